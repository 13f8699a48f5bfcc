/**
 * What clients of four gRPC implementations see of our own transport. Each stack has a program in `stacks/` that runs
 * the scenarios in turn and says a line for each: `ok NAME`, or `failed NAME: why`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePlatform } from '../../src/platform/node-platform';
import { GrpcServer } from '../../src/rpc/grpc/grpc-server';
import { developmentCertificate } from '../../src/rpc/tls/development-certificate';
import { CuttingProxy } from '../support/cutting-proxy';
import { ROOT } from '../support/process';
import { run } from '../support/go-program';
import { stackDefinition, stackService } from './support/stack-service';

const cache = join(ROOT, '.cache');
const sources = join(__dirname, 'stacks');
const classPath = ['classes', join('lib', '*')].map((part) => join(cache, 'stack-java', part));

/** How each stack's program is started, before its addresses. */
const STACKS: Readonly<Record<string, readonly string[]>> = {
  'grpc-js': [process.execPath, join(sources, 'node', 'stack.js')],
  'grpc-go': [join(cache, 'stack-go', 'stack')],
  'grpcio (Python)': [
    join(cache, 'stack-python', 'bin', 'python'),
    join(sources, 'python', 'stack.py'),
  ],
  'grpc-java': ['java', '-cp', classPath.join(':'), 'Stack'],
};
/** What `scripts/interop-setup.mjs` calls what a stack needs. */
const SETUP: Readonly<Record<string, string>> = {
  'grpc-go': 'stack-go',
  'grpcio (Python)': 'stack-python',
  'grpc-java': 'stack-java',
};

const SCENARIOS = [
  'unary',
  'metadata',
  'status',
  'server streaming',
  'client streaming',
  'bidirectional streaming',
  'deadline',
  'cancel',
  'large message',
  'gzip',
  'many parallel streams',
  'reconnect',
  'connections that end by age',
];
/** C's implementation, which is behind Python's, may ping as often as its settings say; Go's and Java's may not. */
const PING_SCENARIO = 'frequent pings without calls';
const PINGS: ReadonlySet<string> = new Set(['grpc-js', 'grpcio (Python)']);

const folder = mkdtempSync(join(tmpdir(), 'gantry-stacks-'));
const trusted = join(folder, 'certificate.pem');
const platform = nodePlatform();
const identity = developmentCertificate([], platform.clock, platform.random);
let server: GrpcServer;
let aging: GrpcServer;
let proxy: CuttingProxy;
let addresses: readonly string[];

beforeAll(async () => {
  writeFileSync(trusted, identity.certificate);
  server = new GrpcServer(platform, { compressAnswers: true });
  aging = new GrpcServer(platform, { http2: { maxAgeMs: 500 } });
  for (const each of [server, aging]) {
    each.setIdentity(identity);
    each.addService(
      stackDefinition,
      stackService(() => proxy),
    );
  }
  proxy = new CuttingProxy(await server.listen('127.0.0.1', 0));
  addresses = [
    `127.0.0.1:${await proxy.listen()}`,
    `127.0.0.1:${await aging.listen('127.0.0.1', 0)}`,
  ];
});

afterAll(async () => {
  await proxy.close();
  await Promise.all([server.close(), aging.close()]);
  rmSync(folder, { recursive: true });
});

describe.each(Object.keys(STACKS))('%s', (stack) => {
  beforeAll(async () => {
    const needed = SETUP[stack];
    if (needed === undefined) return;
    await run(process.execPath, [join(ROOT, 'scripts', 'interop-setup.mjs'), needed]);
  });

  describe.each([
    ['in plaintext', false],
    ['over TLS', true],
  ])('%s', (_how, tls) => {
    const scenarios = PINGS.has(stack) ? [...SCENARIOS, PING_SCENARIO] : SCENARIOS;
    let lines: readonly string[];

    beforeAll(async () => {
      const [program = '', ...args] = STACKS[stack] ?? [];
      const all = [...args, ...addresses, ...(tls ? [trusted] : [])];
      const { stdout } = await run(program, all, { timeout: 300_000 });
      lines = stdout.trimEnd().split('\n');
    });

    test.each(scenarios)('%s', (name) => {
      const told = lines.filter((line) => line.split(/: ?/)[0]?.endsWith(` ${name}`));
      expect(told).toEqual([`ok ${name}`]);
    });

    test('nothing is left of its calls', () => {
      expect(server.runningCalls).toBe(0);
      expect(aging.runningCalls).toBe(0);
    });
  });
});
