import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startGantry } from '../support/process';
import { letRun } from '../support/until';
import { idleCpu, measure, type Result } from './measure';
import { Connections, endToEnd, receiveAll, sendWhile } from './steps';

const HELP = `npm run bench -- [options]
  --seconds N      how long each step of sends takes (5)
  --preload N      messages of each step of receives (20000)
  --rate N         messages a second of the end-to-end step (1000)
  --size BYTES     bodies (1024)
  --connections N  of the load (4)
  --flush MODE     sync or async (sync)
  --json FILE      write the results there, too
  --endpoint HOST:PORT --pid PID   a server that runs already, with topics bench-send, bench-pop and bench-e2e
The load shares the machine with the server: compare CPU time a message first, throughput only on the same machine.`;

interface Target {
  readonly endpoint: string;
  readonly pid: number;
  stop(): Promise<void>;
}

interface Options {
  readonly seconds: number;
  readonly preload: number;
  readonly rate: number;
  readonly body: Buffer;
  readonly connections: number;
}

async function startTarget(flush: string): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-bench-'));
  const topics = ['bench-send', 'bench-pop', 'bench-e2e'].flatMap((topic) => ['--topic', topic]);
  const running = await startGantry('start', {
    args: ['--data-dir', folder, '--flush', flush, '--log-level', 'warn', ...topics],
  });
  return {
    endpoint: running.endpoint,
    pid: running.pid,
    stop: async () => {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Each step after the same warm-up; the server keeps its process for all. */
async function runSteps(target: Target, options: Options): Promise<readonly Result[]> {
  const connections = new Connections([target.endpoint], options.connections);
  const { body, preload, seconds } = options;
  const results: Result[] = [];
  const step = async (name: string, work: Parameters<typeof measure>[3]): Promise<void> => {
    results.push(await measure(name, target.pid, idle, work));
  };
  const lasting = (ms: number): (() => boolean) => {
    const end = performance.now() + ms;
    return () => performance.now() < end;
  };
  const upTo = (count: number): (() => boolean) => {
    let left = count;
    return () => left-- > 0;
  };
  const tidyUp: Promise<unknown>[] = [];
  const group = `bench-${process.pid}`;
  const unsubscribe = [
    await connections.take().subscribe(group, 'bench-pop'),
    await connections.take().subscribe(group, 'bench-e2e'),
  ];
  const idle = await idleCpu(target.pid, 3000, letRun);

  await measure('warm-up', target.pid, idle, (tally) =>
    sendWhile(connections, 'bench-send', body, 64, tally, lasting(3000)),
  );
  for (const inFlight of [1, 64, 256]) {
    await step(`send, ${inFlight} in flight`, (tally) =>
      sendWhile(connections, 'bench-send', body, inFlight, tally, lasting(seconds * 1000)),
    );
  }
  for (const timed of ['receives', 'acks'] as const) {
    await measure('preload', target.pid, idle, (tally) =>
      sendWhile(connections, 'bench-pop', body, 64, tally, upTo(preload)),
    );
    await step(`pop 32 and ack each, 4 receivers; latency of ${timed}`, (tally) =>
      receiveAll(connections, 'bench-pop', group, 4, preload, timed, tally),
    );
  }
  await step(`send, receive, ack at ${options.rate}/s; latency end to end`, (tally) =>
    endToEnd(
      ...([connections, 'bench-e2e', group, body] as const),
      ...([options.rate, seconds * 1000, letRun, tidyUp, tally] as const),
    ),
  );
  await Promise.all(tidyUp);
  for (const end of unsubscribe) end();
  connections.close();
  return results;
}

/** The results as a Markdown table. */
function table(results: readonly Result[]): string {
  const rows = results.map((result) =>
    [
      result.step,
      result.messagesPerSecond.toFixed(0),
      `${result.p50Ms.toFixed(2)} / ${result.p99Ms.toFixed(1)} / ${result.p999Ms.toFixed(1)}`,
      result.cpuUsPerMessage.toFixed(1),
      result.peakRssMiB.toFixed(0),
      result.failures,
    ].join(' | '),
  );
  return [
    '| step | msg/s | p50 / p99 / p99.9 ms | server CPU us/msg | peak RSS MiB | failures |',
    '|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

/** The command line of the benchmark. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string', default: '5' },
      preload: { type: 'string', default: '20000' },
      rate: { type: 'string', default: '1000' },
      size: { type: 'string', default: '1024' },
      connections: { type: 'string', default: '4' },
      flush: { type: 'string', default: 'sync' },
      json: { type: 'string' },
      endpoint: { type: 'string' },
      pid: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const { endpoint, pid } = values;
  const target =
    endpoint !== undefined && pid !== undefined
      ? { endpoint, pid: Number(pid), stop: async () => undefined }
      : await startTarget(values.flush);
  try {
    const results = await runSteps(target, {
      seconds: Number(values.seconds),
      preload: Number(values.preload),
      rate: Number(values.rate),
      body: Buffer.alloc(Number(values.size), 'x'),
      connections: Number(values.connections),
    });
    const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'CPU'}, Node ${process.version}`;
    const report = { date: new Date().toISOString(), machine, options: values, results };
    const json = JSON.stringify(report, undefined, 2);
    process.stdout.write(`${machine}\n\n${table(results)}\n\n${json}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${json}\n`);
  } finally {
    await target.stop();
  }
}
