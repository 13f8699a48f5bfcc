import { join } from 'node:path';
import {
  JOURNAL_FILE,
  readJournal,
  StandInJournal,
  type JournalParts,
} from '../../../../src/broker/stand-in/journal';
import { LedgerOpWriter } from '../../../../src/broker/pop/ledger-op-writer';
import type { LedgerOp } from '../../../../src/broker/pop/ledger-ops';
import { Code, StatusError } from '../../../../src/message/status';
import { memoryFiles, memoryPlatform } from '../../../../src/platform/memory-files';
import { fileError } from '../../../../src/platform/file-error';
import type { FileHandle, Files } from '../../../../src/platform/platform';

const PATH = join('/gantry', JOURNAL_FILE);
const OVER = new StatusError(Code.HA_NOT_AVAILABLE, 'over');

function ack(offset: number, topic = 't'): LedgerOp {
  return { kind: 'ack', group: 'g', topic, queueId: 0, offsets: [offset] };
}

function encoded(...ops: readonly LedgerOp[]): Buffer {
  const writer = new LedgerOpWriter();
  for (const op of ops) writer.add(op);
  return writer.take();
}

async function filesWithFolder(): Promise<Files> {
  const files = memoryFiles();
  await files.makeDirectory('/gantry');
  return files;
}

function open(files: Files, changes: Partial<JournalParts> = {}): Promise<StandInJournal> {
  return StandInJournal.open({
    ...{ path: PATH, brokerName: 'a', generationOf: () => 3 },
    platform: { ...memoryPlatform(), files },
    ...changes,
  });
}

/** The same files, with handles that a test watches. */
function watched(files: Files, watch: (handle: FileHandle) => Partial<FileHandle>): Files {
  return {
    ...bound(files),
    open: async (path, mode) => {
      const handle = await files.open(path, mode);
      return { ...bound(handle), ...watch(handle) };
    },
  };
}

function bound<T extends object>(from: T): T {
  const to = {} as Record<string, unknown>;
  for (
    let proto: object = from;
    proto !== Object.prototype;
    proto = Object.getPrototypeOf(proto) as object
  ) {
    for (const key of Object.getOwnPropertyNames(proto)) {
      const value: unknown = (from as Record<string, unknown>)[key];
      to[key] ??= typeof value === 'function' ? (value.bind(from) as unknown) : value;
    }
  }
  return to as T;
}

test('what is in it comes back, with the generation of each queue before what is finished there', async () => {
  const files = await filesWithFolder();
  const journal = await open(files);
  await journal.synced(journal.put(encoded(ack(1), ack(2, 'u'))).end);
  await journal.synced(journal.put(encoded(ack(3))).end);
  await journal.close(OVER);
  const of = { group: 'g', queueId: 0, generation: 3 };
  expect([...(await readJournal(files, PATH))]).toMatchObject([
    { kind: 'generation', of: { ...of, topic: 't' } },
    { kind: 'generation', of: { ...of, topic: 'u' } },
    { kind: 'ops', ops: [ack(1), ack(2, 'u')] },
    { kind: 'ops', ops: [ack(3)] },
  ]);
});

test('a torn tail is cut off at opening, wherever it is torn', async () => {
  const files = await filesWithFolder();
  const journal = await open(files);
  const { end } = journal.put(encoded(ack(1)));
  await journal.synced(journal.put(encoded(ack(2))).end);
  await journal.close(OVER);
  const whole = (await files.readFile(PATH)) ?? Buffer.alloc(0);
  for (let length = end; length < whole.length; length++) {
    for (const torn of [whole.subarray(0, length), damaged(whole, length)]) {
      await files.writeFile(PATH, torn);
      const again = await open(files);
      await again.synced(again.put(encoded(ack(4))).end);
      await again.close(OVER);
      const entries = [...(await readJournal(files, PATH))];
      expect(entries.slice(2)).toMatchObject([{ kind: 'ops', ops: [ack(4)] }]);
    }
  }
});

test('nothing is answered for before it is on stable storage', async () => {
  let sync: () => void = () => undefined;
  const synced = new Promise<void>((resolve) => (sync = resolve));
  let syncs = 0;
  const files = watched(await filesWithFolder(), (handle) => ({
    datasync: () => (++syncs === 1 ? handle.datasync() : synced),
  }));
  const journal = await open(files);
  let answered = false;
  const { end } = journal.put(encoded(ack(1)));
  const changed = journal.changed(end).then(() => (answered = true));
  await journal.written(end);
  await new Promise((resolve) => setImmediate(resolve));
  expect(answered).toBe(false);
  sync();
  await changed;
  await journal.close(OVER);
});

test('one that has reached its limit takes nothing more, and says so', async () => {
  const journal = await open(await filesWithFolder(), { mostBytes: 110 });
  await journal.synced(journal.put(encoded(ack(1))).end);
  expect(() => journal.put(encoded(ack(2)))).toThrow(/has reached 110 bytes, the limit/);
  await expect(journal.synced(0)).rejects.toMatchObject({ code: Code.INTERNAL_SERVER_ERROR });
  expect(journal.failure).toBeDefined();
  await journal.close(OVER);
});

test('a disk that fails ends it', async () => {
  const files = watched(await filesWithFolder(), () => ({
    write: () => Promise.reject(fileError('EIO', 'write', PATH)),
  }));
  const journal = await open(files);
  const { end } = journal.put(encoded(ack(1)));
  await expect(journal.written(end)).rejects.toThrow(/cannot be written/);
  await expect(journal.changed(end)).rejects.toThrow(/cannot be written/);
  expect(() => journal.put(encoded(ack(2)))).toThrow(/cannot be written/);
  await journal.close(OVER);
});

test('it takes no messages', async () => {
  const journal = await open(await filesWithFolder());
  expect(() => journal.append()).toThrow(/only serves reads/);
  await journal.close(OVER);
  expect(() => journal.put(encoded(ack(1)))).toThrow('over');
});

/** With one byte of it turned. */
function damaged(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}
