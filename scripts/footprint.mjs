// npm run footprint: how soon `gantry start` serves and how much memory it takes, into the README between its markers.
//   node scripts/footprint.mjs [--runs N] [--messages N]     5 starts; 1,000,000 messages of 1 KiB (0: leave that out)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
require('./ts-require.cjs');
const { freePort, isReady } = require('../test/support/process.ts');
const { RawClient } = require('../test/support/raw-client.ts');
const { usageOf } = require('../test/support/usage.ts');

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const topic = 'footprint';
const group = 'footprint-readers';
const settleMs = 5000;
const mib = (bytes) => `${Math.round(bytes / 1024 / 1024)} MiB`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    messages: { type: 'string', default: '1000000' },
  },
});

/** Runs `use` with a fresh `gantry start` whose command was given at `startMs`. */
async function withGantry(use) {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-footprint-'));
  const [port, httpPort] = [await freePort(), await freePort()];
  const args = [
    '--data-dir',
    folder,
    '--host',
    '127.0.0.1',
    '--port',
    port,
    '--http-port',
    httpPort,
  ];
  const startMs = performance.now();
  const child = spawn(
    process.execPath,
    [join(root, 'dist', 'main.js'), 'start', ...args.map(String)],
    {
      stdio: 'ignore',
    },
  );
  const ended = once(child, 'close');
  try {
    while (!(await isReady(httpPort))) {
      if (child.exitCode !== null) throw new Error(`gantry start ended with ${child.exitCode}`);
      await pause(2);
    }
    return await use({ pid: child.pid, endpoint: `127.0.0.1:${port}`, startMs });
  } finally {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One message there and back; answers when it had come. */
async function firstMessage(client) {
  const { queues } = await client.queryRoute(topic);
  const unsubscribe = await client.subscribe(group, topic);
  await client.send(topic, 'FOOTPRINT-0', Buffer.from('first'));
  const request = {
    group,
    topic,
    queue: queues[0],
    batchSize: 1,
    invisibleMs: 30_000,
    pollMs: 5000,
  };
  const { messages } = await client.receive(request);
  const atMs = performance.now();
  if (messages.length !== 1) throw new Error('the first message did not come');
  await client.ack(group, topic, messages[0]);
  unsubscribe();
  return atMs;
}

function start() {
  return withGantry(async ({ pid, endpoint, startMs }) => {
    const readyMs = performance.now() - startMs;
    const client = new RawClient(endpoint, 'footprint');
    const firstMs = (await firstMessage(client)) - startMs;
    client.close();
    await pause(settleMs);
    return { readyMs, firstMs, idleBytes: usageOf(pid).rssBytes };
  });
}

function afterMessages(count) {
  return withGantry(async ({ pid, endpoint }) => {
    const client = new RawClient(endpoint, 'footprint', 30_000);
    await client.queryRoute(topic);
    const body = Buffer.alloc(1024, 'x');
    let sent = 0;
    const lane = async () => {
      while (sent < count) {
        const { code, message } = await client.send(topic, `FOOTPRINT-${sent++}`, body);
        if (code !== 20000) throw new Error(`${code} ${message}`);
      }
    };
    await Promise.all(Array.from({ length: 256 }, lane));
    client.close();
    await pause(settleMs);
    const { rssBytes, peakRssBytes } = usageOf(pid);
    return { rssBytes, peakRssBytes };
  });
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const starts = [];
for (let run = 0; run < Number(values.runs); run++) starts.push(await start());
const of = (key) => median(starts.map((each) => each[key]));
const rows = [
  ['from the command to `ready`', `${Math.round(of('readyMs'))} ms`],
  ['from the command to the first message sent and received', `${Math.round(of('firstMs'))} ms`],
  ['resident memory, idle', mib(of('idleBytes'))],
];
const count = Number(values.messages);
if (count > 0) {
  const { rssBytes, peakRssBytes } = await afterMessages(count);
  const what = `resident memory after ${count.toLocaleString('en-US')} messages of 1 KiB`;
  rows.push([what, `${mib(rssBytes)} (at most ${mib(peakRssBytes)})`]);
}
const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'CPU'}, Node ${process.version}`;
const block = [
  `| \`gantry start\`, median of ${starts.length} starts | ${machine} |`,
  '|---|---|',
  ...rows.map(([what, value]) => `| ${what} | ${value} |`),
].join('\n');
process.stdout.write(`${block}\n`);

const readme = join(root, 'README.md');
const text = readFileSync(readme, 'utf8');
const markers = /(<!-- footprint:start[^>]*-->\n)[\s\S]*?(<!-- footprint:end -->)/;
if (!markers.test(text)) throw new Error('README.md has no footprint markers');
writeFileSync(
  readme,
  text.replace(markers, (_all, from, to) => `${from}\n${block}\n\n${to}`),
);
const prettier = join(root, 'node_modules', 'prettier', 'bin', 'prettier.cjs');
await once(spawn(process.execPath, [prettier, '--write', '--log-level', 'warn', readme]), 'close');
