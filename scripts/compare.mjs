// Runs one load generator against several servers in turn, and prints the medians as a table, for docs/performance.md.
//   node scripts/compare.mjs --load PATH --server NAME=HOST:PORT=PID[,PID] [--server ...] [--rounds 3] [--json FILE]
//                            [--topic compare] [--group compare] [--step 'send, 64 in flight' --step ...]
// The generator takes the options used below and prints one JSON line. Each server has the topic and the group already,
// and is warmed up by the first, uncounted round.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    load: { type: 'string' },
    server: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '3' },
    topic: { type: 'string', default: 'compare' },
    group: { type: 'string', default: 'compare' },
    step: { type: 'string', multiple: true },
    json: { type: 'string' },
  },
});
if (values.load === undefined || values.server === undefined) {
  throw new Error('--load PATH and --server NAME=HOST:PORT=PID are needed');
}
const servers = values.server.map((text) => {
  const [name, endpoint, pid] = text.split('=');
  if (pid === undefined) throw new Error(`--server ${text}: NAME=HOST:PORT=PID is wanted`);
  return { name, endpoint, pid };
});

const send = (inflight) => ['--mode', 'send', '--inflight', String(inflight), '--duration', '8s'];
const pop = (ack) => ['--mode', 'pop', '--preload', '40000', '--receivers', '4', '--ack', ack];
const allSteps = [
  ['send, 1 in flight', send(1)],
  ['send, 64 in flight', send(64)],
  ['send, 256 in flight', send(256)],
  ['pop 32, ack one by one', pop('each')],
  ['pop 32, ack in batches', pop('batch')],
  [
    'end to end at 2,000/s',
    ['--mode', 'e2e', '--rate', '2000', '--inflight', '256', '--duration', '12s', '--warmup', '2s'],
  ],
];

const steps = allSteps.filter(([name]) => values.step?.includes(name) ?? true);

function run({ endpoint, pid }, args) {
  const common = ['--quiet', '--endpoint', endpoint, '--server-pid', pid];
  const names = ['--topic', values.topic, '--group', values.group];
  const { status, stdout, stderr, error } = spawnSync(values.load, [...common, ...names, ...args], {
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${endpoint} ${args.join(' ')}: ${stderr}${stdout}`);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

const runs = [];
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const [step, args] of steps) {
    for (const server of servers) {
      const result = run(server, args);
      process.stderr.write(`round ${round} ${server.name}: ${step}\n`);
      if (round > 0) runs.push({ round, server: server.name, step, result });
    }
  }
}

function median(numbers) {
  const sorted = numbers.filter((each) => typeof each === 'number').sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
const show = (value, digits) => (value === undefined ? '' : value.toFixed(digits));

const rows = steps.flatMap(([step]) =>
  servers.map(({ name }) => {
    const results = runs.filter((each) => each.step === step && each.server === name);
    const of = (pick) => median(results.map(({ result }) => pick(result)));
    // Of the send, of the way to the consumer, or of the receive.
    const ms = (r) => r.latency_ms ?? r.e2e_ms ?? r.receive_ms;
    const latency = [of((r) => ms(r)?.p50), of((r) => ms(r)?.p99)];
    const wrong = results.reduce(
      (sum, { result: r }) => sum + r.errors + (r.missing ?? 0) + (r.duplicates ?? 0),
      0,
    );
    const cells = [
      show(
        of((r) => r.server_cpu_us_per_msg),
        1,
      ),
      show(
        of((r) => r.msg_per_s),
        0,
      ),
      latency[0] === undefined ? '' : `${show(latency[0], 1)} / ${show(latency[1], 1)}`,
      show(
        of((r) => r.server_rss_peak_mib),
        0,
      ),
    ];
    return `| ${step} | ${name} | ${cells.join(' | ')} | ${wrong} |`;
  }),
);
const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'CPU'}`;
process.stdout.write(
  `${machine}, medians of ${values.rounds} rounds\n\n` +
    '| step | server | server CPU us/msg | msg/s | p50 / p99 ms | peak RSS MiB | errors, missing, twice |\n|---|---|---|---|---|---|---|\n' +
    `${rows.join('\n')}\n`,
);
if (values.json !== undefined) {
  const report = { date: new Date().toISOString(), machine, servers, runs };
  writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
}
