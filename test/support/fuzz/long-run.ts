/** Runs a property for minutes instead of a number of times, and watches over it from outside its thread. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';

const RUNS_MAX = 1_000_000_000;
/** A single run takes milliseconds. */
const HANG_MS = 30_000;
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;

/** Ends the process, with the seed, when the number at `beats` stands still for so long. */
const WATCHER = `
  const { workerData: { beats, hangMs, text } } = require('node:worker_threads');
  let last = -1;
  setInterval(() => {
    const now = Atomics.load(beats, 0);
    if (now === last) {
      require('node:fs').writeSync(2, text + ', run ' + now + ' hangs\\n');
      process.kill(process.pid, 'SIGKILL');
    }
    last = now;
  }, hangMs);
`;

/**
 * Throws what fast-check throws, with the seed and the path to the failure; ends the process when a run hangs.
 * @param minutes how long, more than 0
 */
export async function runFor(
  minutes: number,
  seed: number,
  property: fc.IRawProperty<unknown>,
): Promise<number> {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { beats, hangMs: HANG_MS, text: `seed ${seed}` };
  const watcher = new Worker(WATCHER, { eval: true, workerData });
  const watched = beating(property, () => Atomics.add(beats, 0, 1));
  const before = memory();
  try {
    const details = await fc.check(watched, {
      seed,
      numRuns: RUNS_MAX,
      interruptAfterTimeLimit: minutes * 60_000,
      markInterruptAsFailure: false,
    });
    if (details.failed) throw new Error(fc.defaultReportMessage(details) ?? 'failed');
    const grown = memory() - before;
    if (grown > GROWTH_BYTES_MAX) throw new Error(`seed ${seed}: memory grew by ${grown} bytes`);
    return details.numRuns;
  } finally {
    await watcher.terminate();
  }
}

/** The property, which tells of each of its runs. */
function beating(property: fc.IRawProperty<unknown>, beat: () => void): fc.IRawProperty<unknown> {
  const run = property.run.bind(property);
  return Object.assign(Object.create(property) as fc.IRawProperty<unknown>, {
    run: (value: unknown) => {
      beat();
      return run(value);
    },
  });
}

/** Bytes that are held after a collection, on the heap and beside it. */
function memory(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
