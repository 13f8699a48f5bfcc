/** The command: runs seeds, tells what broke, closes with `N passed, N failed`. */
import { parseArgs } from 'node:util';
import { type Outcome, simulate } from './simulate';

/**
 * `--seed N` (default 1) and those after it, `--seeds COUNT` (default 1) of them; `--minutes M` begins no other seed
 * after so long; `--log` prints what the processes logged, `--message ID` what became of a message.
 */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      minutes: { type: 'string', default: 'Infinity' },
      message: { type: 'string', default: '' },
      log: { type: 'boolean', default: false },
    },
  });
  const first = Number(values.seed);
  const count = Number(values.seeds);
  const endMs = performance.now() + Number(values.minutes) * 60_000;
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const cpuBefore = process.cpuUsage();
  let failed = 0;
  let passed = 0;
  for (let seed = first; seed < first + count && performance.now() < endMs; seed++) {
    const outcome = await simulate(seed);
    if (values.log) for (const line of outcome.log) print(line.trimEnd());
    const story = outcome.stories.get(values.message);
    if (story !== undefined) print(JSON.stringify(story, undefined, 1));
    const bad = Object.keys(outcome.broken).length > 0;
    if (bad || count === 1) tell(outcome, print);
    if (bad) failed++;
    else passed++;
  }
  if (failed > 0) process.exitCode = 1;
  const cpuMs = process.cpuUsage(cpuBefore).user / 1000 / (passed + failed);
  print(`${Math.round(cpuMs)} ms of CPU a seed`);
  print(`${passed} passed, ${failed} failed`);
}

function tell(
  { seed, digest, faults, counts, broken }: Outcome,
  print: (line: string) => void,
): void {
  print(`seed ${seed}: digest ${digest} ${JSON.stringify(counts)}`);
  for (const { kind, on, other, atMs, forMs } of faults) {
    print(`  fault at ${atMs} ms for ${forMs} ms: ${kind} ${on} ${other}`);
  }
  for (const [rule, found] of Object.entries(broken)) {
    for (const text of found ?? []) print(`  BROKEN ${rule}: ${text}`);
  }
}
