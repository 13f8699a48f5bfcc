/**
 * A small store, and each way to harm one byte of it: flipped, or the file cut there. After each the
 * store must open, tell, and serve all that was not harmed; what was harmed is never served.
 *
 * The store is opened anew for each fault. All messages are read and the whole store is checked for all
 * faults outside the log, and for one in FULL_EVERY in it; for the others there, whose bytes are those
 * of one record, it suffices to read what lies around that record and to scan that part of the log:
 * entries and bytes of all other messages are those of the full cases.
 */
import pino from 'pino';
import { checkStore } from '../../../../src/store/tools/check-store';
import type { Finding } from '../../../../src/store/tools/finding';
import { type Contents, CopyOnWriteFiles } from '../../../support/copy-on-write-files';
import { compareAround, recordsAround } from './around-fault';
import { isHarmed, KEYS, MESSAGES, queues, SMALL, type Fault, type Subject } from './small-store';
import { afterKill, DIRECTORY, openTestStore, run, textOf, type TestStore } from './test-store';

/** Bytes behind the last one written that are harmed too. */
const BEHIND = 64;
/** A prime, so that all fields of records have their turn. */
const FULL_EVERY = 61;
/** Every fault of a store: each written byte of each file and 64 behind, flipped and cut off. */
export function* allFaults({ contents }: Subject): Generator<Fault> {
  for (const [path, bytes] of contents) {
    const end = Math.min(bytes.length, writtenBytes(bytes) + BEHIND);
    for (let at = 0; at < end; at++) {
      yield { path, at, kind: 'flip' };
      yield { path, at, kind: 'cut' };
    }
  }
}

function writtenBytes(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return end;
}

const log = pino({ level: 'silent' });

function isLight({ path, at }: Fault): boolean {
  return path.includes('/commitlog/') && at % FULL_EVERY !== 0;
}

/**
 * No search gives a message that has not the key, and none that calls itself complete lacks one, unless
 * a chain was bent so that it still is one: then the check of the store names it.
 */
async function compareSearch(
  { store, sim }: TestStore,
  contents: Contents,
  wrong: string[],
): Promise<void> {
  const all = Array.from({ length: MESSAGES }, (_, i) => i).filter((i) => i % KEYS === 3);
  const expected = all.filter((i) => queues[i % queues.length]?.[0] === 'orders');
  const query = { topics: ['orders'], by: 'key', key: 'k3', maxMessages: 64 } as const;
  for (const round of ['at once', 'when it is mended']) {
    const times = { beginMs: 0, endMs: Number.MAX_SAFE_INTEGER };
    const { records, complete } = await run(sim, store.finder.find({ ...query, ...times }));
    const found = records.map((bytes) => Number(textOf(bytes).replace('message ', '')));
    if (!found.every((i) => expected.includes(i))) wrong.push(`a search ${round} finds others`);
    if (complete && found.length !== expected.length && (await findingsOf(contents)).length === 0) {
      wrong.push(`a search ${round} lacks some, and the check finds nothing`);
    }
    if (!complete && round !== 'at once') wrong.push('the index is not mended');
    if (complete) return;
    await sim.advance(400);
  }
}

/** Opens the store with a fault and compares; answers what is wrong, one line each. */
export async function tryFault(subject: Subject, fault: Fault): Promise<readonly string[]> {
  const contents = new Map(subject.contents);
  const before = contents.get(fault.path) ?? Buffer.alloc(0);
  contents.set(fault.path, harmed(before, fault));
  const wrong: string[] = [];
  try {
    const opened = await openTestStore(afterKill(new CopyOnWriteFiles(contents)), {
      ...SMALL,
      log,
    });
    const around = isLight(fault) ? recordsAround(subject, fault) : undefined;
    if (around !== undefined) await compareAround(subject, fault, opened, around, contents, wrong);
    else {
      const lost = await compare(subject, fault, opened, wrong);
      if (lost > 0 && (await findingsOf(contents)).length === 0) {
        wrong.push(`${lost} messages lost, none reported`);
      }
    }
    if (fault.path.includes('/index')) await compareSearch(opened, contents, wrong);
  } catch (error) {
    wrong.push(`not opened: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
  }
  return wrong
    .slice(0, 3)
    .map((text) => `${subject.ending} ${fault.kind} ${fault.path} @${fault.at}: ${text}`);
}

function harmed(before: Buffer, { at, kind }: Fault): Buffer {
  if (kind === 'cut') return Buffer.from(before.subarray(0, at));
  const after = Buffer.from(before);
  // Each byte gets one of 255 other values, always the same one.
  after[at] = (before[at] ?? 0) ^ (1 + ((Math.imul(at, 2654435761) >>> 8) % 255));
  return after;
}

async function findingsOf(contents: Contents): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  await checkStore({
    files: new CopyOnWriteFiles(contents),
    directory: DIRECTORY,
    onFinding: (finding) => findings.push(finding),
  });
  return findings.filter(({ kind }) => kind === 'wrong');
}

/** Compares all messages with what the store serves; answers how many it does not. */
async function compare(
  { sent }: Subject,
  fault: Fault,
  { store }: TestStore,
  wrong: string[],
): Promise<number> {
  let lost = 0;
  for (const [topic, queueId] of queues) {
    const mine = sent.filter((one) => one.topic === topic && one.queueId === queueId);
    const served = await serve(store, topic, queueId);
    for (const one of mine) {
      const bytes = served.get(one.queueOffset);
      served.delete(one.queueOffset);
      const slot = `${topic} queue ${queueId} offset ${one.queueOffset}`;
      if (bytes === undefined) {
        lost++;
        if (!isHarmed(one, fault)) wrong.push(`${slot} is not served and was not harmed`);
      } else if (!bytes.equals(one.bytes)) wrong.push(`${slot} is served with other bytes`);
    }
    for (const offset of served.keys()) wrong.push(`${topic} ${queueId} offset ${offset} is new`);
    if (store.maxOffset(topic, queueId) < mine.length) wrong.push(`${topic} ${queueId} is shorter`);
  }
  if (store.maxOffset('gone', 0) > 0) wrong.push('a deleted topic is back');
  return lost;
}

async function serve(
  store: TestStore['store'],
  topic: string,
  queueId: number,
): Promise<Map<number, Buffer>> {
  const served = new Map<number, Buffer>();
  const max = store.maxOffset(topic, queueId);
  for (const entry of await store.entries(topic, queueId, 0, max)) {
    if (entry.bytes === 0) continue;
    try {
      served.set(entry.queueOffset, await store.record(topic, queueId, entry));
    } catch {
      // Not served: `compare` says whether that is right.
    }
  }
  return served;
}
