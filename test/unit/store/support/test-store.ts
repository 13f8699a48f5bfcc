/** Small stores for tests, on a clock that stands still until it is moved. */
import pino, { type Logger } from 'pino';
import { hostOf } from '../../../../src/message/host';
import { encodeProperties } from '../../../../src/message/properties';
import { readRecord } from '../../../../src/message/record';
import { draftRecord, type RecordDraft } from '../../../../src/message/record-draft';
import { memoryFiles } from '../../../../src/platform/memory-files';
import { nodePlatform } from '../../../../src/platform/node-platform';
import type { FileHandle, Files, Platform } from '../../../../src/platform/platform';
import type { Appended, MessageStore } from '../../../../src/store/message-store';
import { openStore, type StoreOptions } from '../../../../src/store/open-store';
import { SimClock } from '../../../support/sim-clock';

export const DIRECTORY = '/data';
export const SEGMENT_BYTES = 16 * 1024;
export const QUEUE_FILE_ENTRIES = 8;
/** One for all: to make one takes longer than to open a small store. */
const SILENT = pino({ level: 'silent' });

/** A platform with the given files and a simulated clock. */
export function simPlatform(files: Files = memoryFiles(), sim = new SimClock()): Platform {
  return { ...nodePlatform(), clock: sim.clock, timers: sim.timers, files };
}

/** Options of a store with files so small that tests cross their borders; without an index, see ./index. */
export function storeOptions(
  platform: Platform,
  changes: Partial<StoreOptions> = {},
): StoreOptions {
  return {
    directory: DIRECTORY,
    platform,
    log: SILENT,
    flush: 'sync',
    storeHost: hostOf('127.0.0.1', 10911),
    segmentBytes: SEGMENT_BYTES,
    queueFileEntries: QUEUE_FILE_ENTRIES,
    index: { enabled: false },
    ...changes,
  };
}

/** A store, and the clock that it runs on. */
export interface TestStore {
  readonly store: MessageStore;
  readonly sim: SimClock;
  readonly files: Files;
}

export async function openTestStore(
  files: Files = memoryFiles(),
  changes: Partial<StoreOptions> = {},
  sim = new SimClock(),
): Promise<TestStore> {
  const store = await openStore(storeOptions(simPlatform(files, sim), changes));
  return { store, sim, files };
}

/** Ends a store in an orderly way; its turns of the event loop are run meanwhile. */
export async function stop({ store, sim }: TestStore): Promise<void> {
  await run(sim, store.close());
}

/** Lets turns of the event loop pass until `promise` is settled; answers what it answers. */
export async function run<T>(sim: SimClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = (): void => void (settled = true);
  promise.then(done, done);
  for (let turns = 0; !settled && turns < 1000; turns++) await sim.settle();
  if (!settled) throw new Error('nothing runs any more, and the promise is not settled');
  return promise;
}

/** A record whose body begins with `text` and is `bytes` long, at least the text. */
export function draft(topic: string, text: string, bytes = 0, tag = ''): RecordDraft {
  const body = Buffer.alloc(Math.max(bytes, Buffer.byteLength(text)));
  body.write(text);
  const properties = tag === '' ? '' : encodeProperties([['TAGS', tag]]);
  return draftRecord({ topic, body, properties, tag, bornTimestamp: 1000 });
}

/** The texts of all messages of a queue by offset; a lost slot is ''. */
export async function texts(store: MessageStore, topic: string, queueId = 0): Promise<string[]> {
  const [min, max] = [store.minOffset(topic, queueId), store.maxOffset(topic, queueId)];
  const entries = await store.entries(topic, queueId, min, max - min);
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.queueOffset !== min + found.length) throw new Error('queue offsets have a hole');
    found.push(entry.bytes === 0 ? '' : textOf(await store.record(topic, queueId, entry)));
  }
  if (found.length !== max - min) throw new Error(`${found.length} entries of ${max - min}`);
  return found;
}

/** The text that `draft` was given. */
export function textOf(record: Buffer): string {
  return readRecord(record, 0).body.toString('utf8').replace(/\0+$/, '');
}

/** A log whose lines a test can look at. */
export function heardLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  return { log: pino({ level: 'debug' }, { write: (line) => void lines.push(line) }), lines };
}

/** Changes bytes of a file in place. */
export async function overwrite(
  files: Files,
  path: string,
  position: number,
  bytes: Buffer,
): Promise<void> {
  const handle = await files.open(path, 'write');
  await handle.write([bytes], position);
  await handle.close();
}

/** Files that a test can break and count: each write and sync of a path that matches passes `on` first. */
export function hookedFiles(
  base: Files,
  matches: RegExp,
  on: (what: 'write' | 'datasync', bytes: number) => Promise<void> | void,
): Files {
  const hook = (handle: FileHandle): FileHandle => ({
    path: handle.path,
    read: (target, position) => handle.read(target, position),
    truncate: (length) => handle.truncate(length),
    size: () => handle.size(),
    close: () => handle.close(),
    write: async (buffers, position) => {
      await on(
        'write',
        buffers.reduce((sum, buffer) => sum + buffer.length, 0),
      );
      await handle.write(buffers, position);
    },
    datasync: async () => {
      await on('datasync', 0);
      await handle.datasync();
    },
  });
  return {
    open: async (path, mode) => {
      const handle = await base.open(path, mode);
      return matches.test(path) ? hook(handle) : handle;
    },
    makeDirectory: (path) => base.makeDirectory(path),
    list: (path) => base.list(path),
    stat: (path) => base.stat(path),
    readFile: (path) => base.readFile(path),
    writeFile: (path, data, mode) => base.writeFile(path, data, mode),
    rename: (from, to) => base.rename(from, to),
    remove: (path) => base.remove(path),
    removeTree: (path) => base.removeTree(path),
    syncDirectory: (path) => base.syncDirectory(path),
    space: (path) => base.space(path),
    lock: (path, beside) => base.lock(path, beside),
  };
}

/** The same files for the next process, after the one that has them was killed. */
export function afterKill(files: Files): Files {
  const lock = (): ReturnType<Files['lock']> =>
    Promise.resolve({ release: () => Promise.resolve() });
  return { ...hookedFiles(files, /^$/, () => undefined), lock };
}

/** Where the file of the CommitLog that holds `position` lies. */
export function segmentPath(position: number): string {
  const start = position - (position % SEGMENT_BYTES);
  return `${DIRECTORY}/commitlog/${String(start).padStart(20, '0')}`;
}

/** Appends texts to queue 0 of a topic and waits until they are visible; answers their places. */
export async function send(
  { store, sim }: TestStore,
  topic: string,
  ...bodies: readonly string[]
): Promise<readonly Appended[]> {
  const placed = bodies.map((text) => store.append(draft(topic, text, 100), 0));
  await sim.settle();
  return placed;
}
