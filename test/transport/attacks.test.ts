/**
 * Attacks on the transport, each at a fixed rate while an honest client works on another connection. Longer runs:
 * `ATTACK_MS=10000 npx jest test/transport/attacks.test.ts`.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Client } from '@grpc/grpc-js';
import { ROOT } from '../support/process';
import { letRun } from '../support/until';
import { echoClient, echoDefinition } from '../unit/rpc/grpc/echo-service';

const ATTACK_MS = Number(process.env['ATTACK_MS'] ?? 1000);
const DIST = process.env['TEST_DIST'] ?? join(ROOT, 'dist');
const support = join(ROOT, 'test', 'transport', 'attackers');

const GROWTH_BYTES_MAX = 32 * 1024 * 1024;
/** An honest call may take less than this many times its own p99 without an attack. */
const P99_FACTOR = 10;
/** Has the C library give memory that was let go of back to the system, so that what is measured is held. */
const GIVE_BACK = { MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_MMAP_THRESHOLD_: '131072' };

const ATTACKS = [
  'rapid reset',
  'resets that the server makes',
  'CONTINUATION flood',
  'header list without end',
  'SETTINGS flood',
  'PING flood',
  'empty DATA flood',
  'HPACK bomb',
  'table size tricks',
  'windows of one byte',
  'windows that overflow and turn negative',
  'answers that nobody reads',
  'answers that are read slowly',
  'gzip bombs',
  'requests without end',
  'WINDOW_UPDATE flood',
  'PRIORITY flood',
  'half-closed idlers',
  'frames that trickle',
  'handshakes that are cut',
  'connect and close',
  'new TLS keys again and again',
] as const;

let server: ChildProcess;
let client: Client;
let port: number;

beforeAll(async () => {
  server = fork(join(support, 'server.js'), [DIST], {
    execArgv: ['--expose-gc'],
    env: { ...process.env, ...GIVE_BACK },
  });
  const [told] = (await once(server, 'message')) as [{ port: number }];
  ({ port } = told);
  client = echoClient(port);
  await honestWork(3000); // warms up both sides
});

afterAll(async () => {
  client.close();
  server.disconnect();
  await once(server, 'exit');
});

test.each(ATTACKS)(
  '%s',
  async (attack) => {
    const { times: calm, largest: before } = await watched(honestWork(ATTACK_MS));
    const baselineMs = p99(calm);
    const attacker = fork(join(support, 'attacker.js'), [attack, String(port)]);
    let failed: unknown;
    attacker.on(
      'exit',
      (code) => (failed = code === 0 ? undefined : `the attacker ended: ${code}`),
    );
    const { times: latencies, largest } = await watched(honestWork(ATTACK_MS));
    const grown = largest - before;
    attacker.disconnect();
    await once(attacker, 'exit');
    expect(failed).toBeUndefined();
    expect(grown).toBeLessThan(GROWTH_BYTES_MAX);
    expect(latencies.length).toBeGreaterThan(ATTACK_MS / 100);
    expect(p99(latencies)).toBeLessThan(P99_FACTOR * baselineMs);
  },
  2 * ATTACK_MS + 20_000,
);

/** The times of honest work, and the server's largest memory in the course of it, looked at four times. */
async function watched(
  work: Promise<number[]>,
): Promise<{ readonly times: number[]; readonly largest: number }> {
  let largest = 0;
  for (let look = 0; look < 4; look++) {
    await letRun(ATTACK_MS / 4);
    largest = Math.max(largest, await memory());
  }
  return { times: await work, largest };
}

/** Calls for so long, 8 at a time; throws when one fails. Answers their times, ms. */
async function honestWork(forMs: number): Promise<number[]> {
  const times: number[] = [];
  const end = performance.now() + forMs;
  const lane = async (): Promise<void> => {
    for (let start = performance.now(); start < end; start = performance.now()) {
      await call();
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  return times;
}

function call(): Promise<void> {
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Unary;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.alloc(1024),
      { deadline: Date.now() + 10_000 },
      (error) => (error === null ? resolve() : reject(error)),
    );
  });
}

function p99(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.99)] ?? Infinity;
}

async function memory(): Promise<number> {
  const told = once(server, 'message');
  server.send('memory');
  const [{ rss }] = (await told) as [{ rss: number }];
  return rss;
}
