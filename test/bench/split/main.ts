/** The costs of a message by process: in one process, in several, and with a replica; measured in turn. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { usageOf } from '../../support/usage';
import { Latencies, type Tally } from '../measure';
import { Connections, receiveAll, sendWhile } from '../steps';
import { replicated, split, standalone, type Target, TOPIC } from './targets';

const HELP = `npm run bench:split -- [options]
  --rounds N   counted rounds, after one that is not (3)
  --count N    messages of each step (40000)
  --flush MODE sync or async (async)
CPU time a message of each process; the load shares the machine, so compare within a run.`;

const BODY = Buffer.alloc(1024, 'x');
const IN_FLIGHT = 64;
const RECEIVERS = 4;
const CONNECTIONS = 4;

interface Step {
  readonly name: string;
  run(connections: Connections, count: number, tally: Tally): Promise<void>;
}

const STEPS: readonly Step[] = [
  {
    name: 'send, 64 in flight',
    run: (connections, count, tally) => {
      let left = count;
      return sendWhile(connections, TOPIC, BODY, IN_FLIGHT, tally, () => left-- > 0);
    },
  },
  {
    // Receives what the step before has sent.
    name: 'pop 32, ack one by one',
    run: (connections, count, tally) =>
      receiveAll(connections, TOPIC, 'bench-split', RECEIVERS, count, 'acks', tally),
  },
];

/** CPU microseconds a message, by process. */
type Costs = ReadonlyMap<string, number>;

async function measured(
  target: Target,
  step: Step,
  connections: Connections,
  count: number,
): Promise<Costs> {
  const before = target.processes.map(({ pid }) => usageOf(pid).cpuMs);
  const tally: Tally = { latencies: new Latencies(), messages: 0, failures: 0 };
  await step.run(connections, count, tally);
  if (tally.failures > 0 || tally.messages === 0) {
    throw new Error(`${target.name}, ${step.name}: ${tally.failures} of ${count} failed`);
  }
  return new Map(
    target.processes.map(({ name, pid }, i) => [
      name,
      ((usageOf(pid).cpuMs - (before[i] ?? 0)) * 1000) / tally.messages,
    ]),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}

function total(costs: Costs): number {
  return [...costs.values()].reduce((sum, cost) => sum + cost, 0);
}

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      count: { type: 'string', default: '40000' },
      flush: { type: 'string', default: 'async' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  const targets: Target[] = [];
  try {
    targets.push(await standalone(values.flush));
    targets.push(await split(values.flush, 1));
    targets.push(await split(values.flush, 2));
    targets.push(await replicated(values.flush, 'async'));
    targets.push(await replicated(values.flush, 'sync'));
    await compare(targets, Number(values.rounds), Number(values.count));
  } finally {
    for (const target of targets) await target.stop();
  }
}

async function compare(targets: readonly Target[], rounds: number, count: number): Promise<void> {
  const ways = targets.map((target) => ({
    target,
    connections: new Connections(target.endpoints, CONNECTIONS / target.endpoints.length),
    found: new Map<Step, Costs[]>(),
  }));
  const subscribed: (() => void)[] = [];
  for (const { connections } of ways) {
    subscribed.push(await connections.take().subscribe('bench-split', TOPIC));
  }
  for (let round = 0; round <= rounds; round++) {
    for (const step of STEPS) {
      for (const { target, connections, found } of ways) {
        const costs = await measured(target, step, connections, count);
        if (round > 0) found.set(step, [...(found.get(step) ?? []), costs]);
      }
    }
  }
  for (const end of subscribed) end();
  for (const { connections } of ways) connections.close();
  const rows = STEPS.flatMap((step) => {
    const one = median((ways[0]?.found.get(step) ?? []).map(total));
    return ways.map(({ target, found }) => {
      const all = found.get(step) ?? [];
      const by = target.processes.map(
        ({ name }) => `${name} ${median(all.map((costs) => costs.get(name) ?? 0)).toFixed(1)}`,
      );
      const sum = median(all.map(total));
      return [step.name, target.name, sum.toFixed(1), (sum / one).toFixed(2), by.join(', ')];
    });
  });
  const lines = rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
  process.stdout.write(
    `${cpus().length} x ${cpus()[0]?.model ?? 'CPU'}, Node ${process.version}, medians of ${rounds} rounds\n\n` +
      `| step | processes | CPU us a message | to one process | of each |\n|---|---|---|---|---|\n${lines}\n`,
  );
}
