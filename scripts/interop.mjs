// npm run interop: all scenarios with all official clients, then the table of what was seen in docs/compatibility.md.
//   node scripts/interop.mjs [ARGS for jest]
// With a choice of test files the table is written when the others have run within a day.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The page tells of the default transport. */
const resultsFolder = join(root, '.cache', 'interop', 'results', 'http2');
const tests = join(root, 'test', 'interop');
/** The files of a client on a topology each; others make no results. */
const suites = readdirSync(tests)
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => readFileSync(join(tests, name), 'utf8').includes('interopSuite('));
const compatibility = join(root, 'docs', 'compatibility.md');
/** What follows it on the page is written by hand. */
const BY_HAND = '## The API, RPC by RPC and field by field';
const DAY_MS = 24 * 60 * 60 * 1000;

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status ?? 1;
}

function readResults() {
  if (!existsSync(resultsFolder)) return [];
  return readdirSync(resultsFolder)
    .sort()
    .map((name) => join(resultsFolder, name))
    .filter((path) => Date.now() - statSync(path).mtimeMs < DAY_MS)
    .map((path) => JSON.parse(readFileSync(path, 'utf8')));
}

function cell(results, title, notes) {
  const words = results.map(({ topology, outcomes }) => {
    const outcome = outcomes[title];
    if (outcome === undefined) return 'not run';
    if (outcome === 'pass') return 'pass';
    if (outcome === 'fail') return `**fails** (${topology})`;
    if (!notes.includes(outcome.notSupported)) notes.push(outcome.notSupported);
    return `not supported [${notes.indexOf(outcome.notSupported) + 1}]`;
  });
  return [...new Set(words)].join(', ');
}

function table(all) {
  const clients = [...new Set(all.map(({ client, version }) => `${client} ${version}`))].sort();
  const titles = [...new Set(all.flatMap(({ outcomes }) => Object.keys(outcomes)))];
  const notes = [];
  const rows = titles.map((title) => {
    const cells = clients.map((name) =>
      cell(
        all.filter(({ client, version }) => `${client} ${version}` === name),
        title,
        notes,
      ),
    );
    return `| ${title} | ${cells.join(' | ')} |`;
  });
  const heads = clients.map((name) => `\`${name}\``);
  return [
    `| What is shown | ${heads.join(' | ')} |`,
    `|---|${heads.map(() => '---|').join('')}`,
    ...rows,
    ...(notes.length > 0 ? ['', ...notes.map((note, index) => `[${index + 1}] ${note}`)] : []),
  ].join('\n');
}

function page(all) {
  const topologies = [...new Set(all.map(({ topology }) => topology))].sort();
  return `# Compatibility with the official clients

The official clients, unmodified, against real Gantry processes. This part of the page is written by \`npm run interop\`, which runs every
scenario of \`test/interop/scenarios\` with every client, each time on: ${topologies.join('; on ')}.
A cell says \`pass\` when the scenario passed on all of them.

${table(all)}

The clients run over plaintext: Java with \`enableSsl(false)\`, the others as they are by default.
\`test/interop/one-process-tls.test.ts\` has the others send, receive and acknowledge over TLS, too: Java as it is by default,
which takes any certificate; Node and Python trust the server's, given to them in \`GRPC_DEFAULT_SSL_ROOTS_FILE_PATH\`. Rust
takes no part: \`set_enable_tls(true)\` of its crate sets up no TLS, and it cannot connect.

## What clients do that one may not expect

- Python: \`SimpleConsumer.startup()\` returns before the subscription has reached the server (the push consumer waits). What an
  already running producer sends in that moment may be from before the new group.
- Python: a client that starts in a thread without an event loop of asyncio may come up without its settings and its route for ten
  seconds ("There is no current event loop in thread"): a route that was there before the client asked for it makes the stream
  in that thread. \`asyncio.set_event_loop\` with the loop of the client's own thread avoids it.
- Python: a simple consumer picks the queue of each receive at random (its rotation is made anew for each). With several brokers some receives
  in a row may wait at one that has nothing for it: short awaits, or a push consumer, where that matters.
- Python: a topic that does not exist is reported as \`failed to fetch topic\`, without the code TOPIC_NOT_FOUND.
- Node: a priority of 0 counts as none, and the client refuses to send such a message to a PRIORITY topic.
- Node: the push consumer knows no customized backoff and asks for a message whose listener failed at once; the broker puts it off
  by the group's backoff.
- A consumer of the Node, Python or Java client that knows nothing of lite topics goes on when it is told that it has lost one
  (NotifyUnsubscribeLiteCommand), and so do all four clients when they get a command on the Telemetry stream that they do not know. Gantry
  tells consumers of lite topics only, as Go clients are known to crash.
- Rust: settings name no topics, so a new group is in use, and has its start, from the first receive on.
- Rust: the deadline of a receive is \`long_polling_timeout\` itself, so an empty answer comes a little before it.
- Rust: with several access points each call goes to any of them, heartbeats and the goodbye at a shutdown, too. A proxy that
  has not the client's settings answers those with UNRECOGNIZED_CLIENT_TYPE, which \`shutdown()\` hands on; the broker has
  heard of the client all the same.
- Rust: a route is asked for once and kept, and nothing is sent again: what a topic gets later, the client learns when it is
  started anew.
- Rust: the crate calls a function of \`time\` that is there only with the feature \`local-offset\`, and does not ask for it: a
  program must do so itself.

${BY_HAND}${readFileSync(compatibility, 'utf8').split(BY_HAND)[1] ?? ''}`;
}

const setup = run(process.execPath, [join('scripts', 'interop-setup.mjs')]);
if (setup !== 0) process.exit(setup);
if (process.argv.length === 2) rmSync(resultsFolder, { recursive: true, force: true });
const other = ![undefined, '', 'http2'].includes(process.env.GANTRY_RPC_TRANSPORT);
const status = run(process.execPath, [
  join('node_modules', 'jest', 'bin', 'jest.js'),
  // They wait, most of the time.
  ...['--selectProjects', 'interop', '--maxWorkers', '3'],
  ...process.argv.slice(2),
]);
const results = readResults();
if (!other && results.length === suites.length) {
  writeFileSync(compatibility, page(results));
  run(process.execPath, [
    join('node_modules', 'prettier', 'bin', 'prettier.cjs'),
    ...['--write', compatibility],
  ]);
}
process.exit(status);
