// npm run bench:transport [-- --rounds 4 --seconds 4]: CPU time a call of the messaging service on each transport, handlers
// that do nothing, a Go client on one connection. The servers take turns; the table gives the least and the median of the
// rounds, and ratios of the medians.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../../..');
const require = createRequire(import.meta.url);
require('../../../scripts/ts-require.cjs');
const { usageOf } = require('../../support/usage.ts');
const { loadService } = require(join(root, 'dist/rpc/protos.js'));

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '4' },
    json: { type: 'string' },
  },
});
const kinds = [
  'grpc-js, proto-loader',
  'grpc-js, own codecs',
  'node:http2, own codecs',
  'http2, own codecs',
];
const service = '/apache.rocketmq.v2.MessagingService/';
const loaded = loadService('apache/rocketmq/v2/service.proto', service.slice(1, -1));

const folder = mkdtempSync(join(tmpdir(), 'gantry-bench-'));
const resource = { resource_namespace: '', name: 'load' };
const requests = {
  SendMessage: {
    messages: [
      {
        topic: resource,
        user_properties: { colour: 'red' },
        system_properties: {
          tag: 'tag',
          keys: ['key'],
          message_id: '01A1B2C3D4E5F60102030405060708090A',
          body_encoding: 1,
          message_type: 1,
          born_timestamp: { seconds: 1_700_000_000, nanos: 1_000_000 },
          born_host: 'load-host',
          queue_id: 0,
        },
        body: Buffer.alloc(1024, 'x'),
      },
    ],
  },
  AckMessage: {
    group: resource,
    topic: resource,
    entries: [{ message_id: '01A1B2C3D4E5F60102030405060708090A', receipt_handle: 'h'.repeat(90) }],
  },
  ReceiveMessage: {
    group: resource,
    message_queue: { topic: resource, id: -1, broker: { name: 'broker-a' } },
    filter_expression: { type: 1, expression: '*' },
    batch_size: 32,
    invisible_duration: { seconds: 30, nanos: 0 },
  },
};
for (const [name, request] of Object.entries(requests)) {
  writeFileSync(join(folder, name), loaded[name].requestSerialize(request));
}
const steps = [
  { name: 'send, 64 in flight', method: 'SendMessage', inflight: 64 },
  { name: 'send, 1 in flight', method: 'SendMessage', inflight: 1 },
  { name: 'ack, 64 in flight', method: 'AckMessage', inflight: 64 },
  // Three items of an answer are no messages: status, time, and the end.
  {
    name: 'a received message, batches of 32',
    method: 'ReceiveMessage',
    inflight: 4,
    stream: true,
  },
];

function buildLoad() {
  const bin = join(root, '.cache', 'go', 'load');
  mkdirSync(bin, { recursive: true });
  execFileSync('go', ['build', '-o', join(bin, 'load'), '.'], { cwd: join(here, 'load') });
  return join(bin, 'load');
}

async function start(kind) {
  const child = fork(join(here, 'server.cjs'), [join(root, 'dist'), kind], { stdio: 'inherit' });
  const [port] = await once(child, 'message');
  return { kind, child, port };
}

/** CPU microseconds a message. */
function measure(program, { child, port }, { method, inflight, stream = false }, seconds) {
  const before = usageOf(child.pid).cpuMs;
  const text = execFileSync(
    program,
    [
      ...['-address', `127.0.0.1:${port}`, '-method', service + method],
      ...['-payload', join(folder, method), '-inflight', String(inflight)],
      ...['-seconds', String(seconds), ...(stream ? ['-stream'] : [])],
    ],
    { encoding: 'utf8' },
  );
  const { calls, messages, failures } = JSON.parse(text);
  if (failures > 0 || calls === 0) throw new Error(`${method}: ${calls} calls, ${failures} failed`);
  const counted = stream ? messages - 2 * calls : calls;
  return ((usageOf(child.pid).cpuMs - before) * 1000) / counted;
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) / 2)];
const program = buildLoad();
const servers = [];
for (const kind of kinds) servers.push(await start(kind));
const found = new Map();
try {
  for (const server of servers) for (const step of steps) measure(program, server, step, 2); // warm-up
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const step of steps) {
      for (const server of servers) {
        const key = `${server.kind}: ${step.name}`;
        const us = measure(program, server, step, Number(values.seconds));
        found.set(key, [...(found.get(key) ?? []), us]);
      }
    }
  }
} finally {
  for (const { child } of servers) child.disconnect();
  rmSync(folder, { recursive: true, force: true });
}

const of = (kind, step) => found.get(`${kind}: ${step.name}`);
console.log(`| server, CPU us | ${steps.map(({ name }) => name).join(' | ')} |`);
console.log(`| --- |${steps.map(() => ' --- |').join('')}`);
for (const kind of kinds) {
  const cells = steps.map((step) => {
    const list = of(kind, step);
    return `${Math.min(...list).toFixed(1)}-${median(list).toFixed(1)}`;
  });
  console.log(`| ${kind} | ${cells.join(' | ')} |`);
}
const ratios = steps.map((step) => {
  const ratio = median(of(kinds[0], step)) / median(of(kinds.at(-1), step));
  return `1/${ratio.toFixed(1)}`;
});
console.log(`| last to first | ${ratios.join(' | ')} |`);
if (values.json !== undefined)
  writeFileSync(values.json, JSON.stringify(Object.fromEntries(found)));
