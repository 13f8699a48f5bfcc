/** A large store beside raw files, in turn, so that what else the machine does falls on both. */
import { mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import pino from 'pino';
import { hostOf } from '../../src/message/host';
import { draftRecord } from '../../src/message/record-draft';
import { nodePlatform } from '../../src/platform/node-platform';
import type { FlushMode, MessageStore } from '../../src/store/message-store';
import { openStore, type StoreOptions } from '../../src/store/open-store';
import { manyQueues } from './many-queues';
import { evict, rawRead, rawWrite } from './raw';

const GIB = 1024 ** 3;
const MARGIN_BYTES = 20 * GIB;
const ROUNDS = 4;
const BATCH = 64;
const BATCHES_IN_FLIGHT = 16;
const READ_AT_ONCE = 64;

export async function main(): Promise<void> {
  const bytes = Number(process.env['SIZE_GIB'] ?? 4) * GIB;
  const directory = await mkdtemp(join(process.env['SIZE_DIR'] ?? tmpdir(), 'gantry-size-'));
  try {
    const { bavail, bsize } = await statfs(directory);
    if (bavail * bsize < 2 * bytes + MARGIN_BYTES) {
      throw new Error(`${directory} has no room for 2 x ${bytes} bytes and 20 GiB to spare`);
    }
    await large(directory, bytes);
    await manyQueues(directory, Number(process.env['SIZE_TOPICS'] ?? 10_000));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export function options(directory: string, flush: FlushMode = 'async'): StoreOptions {
  return {
    directory: join(directory, 'store'),
    platform: nodePlatform(),
    log: pino({ level: 'warn' }),
    flush,
    storeHost: hostOf('127.0.0.1', 10911),
  };
}

export function say(what: string, value: string): void {
  process.stdout.write(`${what.padEnd(52)} ${value}\n`);
}

/** Opens a store and says how long that took. */
export async function timedOpen(what: string, opened: StoreOptions): Promise<MessageStore> {
  const begin = performance.now();
  const store = await openStore(opened);
  say(`open ${what}`, `${Math.round(performance.now() - begin)} ms`);
  return store;
}

export function residentMiB(): number {
  return Math.round(process.memoryUsage().rss / 1024 / 1024);
}

async function large(directory: string, bytes: number): Promise<void> {
  const raw = join(directory, 'raw');
  let store = await openStore(options(directory));
  const ratios: number[] = [];
  let stallMs = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const rawSeconds = await rawWrite(raw, bytes / ROUNDS);
    // A new one each time: one that is enabled again counts the time in between as a stall.
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const begin = performance.now();
    const from = store.visible;
    await append(store, from + bytes / ROUNDS);
    await store.synced(store.visible);
    const seconds = (performance.now() - begin) / 1000;
    delay.disable();
    stallMs = Math.max(stallMs, delay.max / 1e6);
    const rate = (store.visible - from) / seconds;
    ratios.push((rate * rawSeconds) / (bytes / ROUNDS));
    say(
      `append, round ${round + 1}`,
      `${mib(rate)}, raw ${mib(bytes / ROUNDS / rawSeconds)}, ratio ${percent(ratios.at(-1) ?? 0)}, rss ${residentMiB()} MiB`,
    );
  }
  say('append, median of the ratios', percent(ratios.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0));
  say('longest stall of the event loop while appending', `${Math.round(stallMs)} ms`);
  await store.close();
  store = await timedOpen('after a clean stop', options(directory));
  await readAll(directory, store, raw);
  await store.close();
}

/** 1 KiB bodies in batches of 64, some batches waiting for their answers at a time. */
async function append(store: MessageStore, until: number): Promise<void> {
  const body = Buffer.alloc(1024, 'size ');
  const draft = draftRecord({ topic: 'size', body, properties: '', tag: '', bornTimestamp: 1 });
  const waiting: Promise<void>[] = [];
  for (let batch = 0, end = 0; end < until; batch++) {
    for (let i = 0; i < BATCH; i++) end = store.append(draft, batch % 8).endOffset;
    waiting.push(store.durable(end));
    if (waiting.length >= BATCHES_IN_FLIGHT) await waiting.shift();
  }
  await Promise.all(waiting);
}

async function readAll(directory: string, store: MessageStore, raw: string): Promise<void> {
  const log = join(directory, 'store', 'commitlog');
  const segments = (await readdir(log)).map((name) => join(log, name));
  const rawSeconds = await rawRead(raw);
  evict(segments);
  let begin = performance.now();
  let records = 0;
  await store.replay(['size'], 0, () => void records++);
  let seconds = (performance.now() - begin) / 1000;
  say(
    'cold read of all in log order',
    `${mib(store.visible / seconds)}, ratio ${percent(rawSeconds / seconds)}, ${records} records, rss ${residentMiB()} MiB`,
  );
  evict(segments);
  begin = performance.now();
  await Promise.all(Array.from({ length: 8 }, (_, queueId) => readQueue(store, queueId)));
  seconds = (performance.now() - begin) / 1000;
  say(
    'cold read of all queue by queue, 8 readers',
    `${mib(store.visible / seconds)}, ratio ${percent(rawSeconds / seconds)}, rss ${residentMiB()} MiB`,
  );
  await rm(raw);
}

async function readQueue(store: MessageStore, queueId: number): Promise<void> {
  const max = store.maxOffset('size', queueId);
  for (let offset = 0; offset < max; offset += READ_AT_ONCE) {
    const entries = await store.entries('size', queueId, offset, READ_AT_ONCE);
    for (const entry of entries) await store.record('size', queueId, entry);
  }
}

function mib(bytesPerSecond: number): string {
  return `${Math.round(bytesPerSecond / 1024 / 1024)} MiB/s`;
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
