/**
 * A small store, and each way to harm one byte of it: flipped, or the file cut there. After each the
 * store must open, tell, and serve all that was not harmed; what was harmed is never served.
 */
import { checkStore } from '../../../../src/store/tools/check-store';
import type { Finding } from '../../../../src/store/tools/finding';
import { memoryFiles } from '../../../../src/platform/memory-files';
import { type Contents, CopyOnWriteFiles } from '../../../support/copy-on-write-files';
import { seeded } from '../../../support/seeded';
import { afterKill, DIRECTORY, draft, openTestStore, stop, type TestStore } from './test-store';

export const SMALL = { segmentBytes: 64 * 1024, queueFileEntries: 16 };
/** Bytes behind the last one written that are harmed too. */
const BEHIND = 64;
const MESSAGES = 200;
const queues = [
  ['orders', 0],
  ['orders', 1],
  ['other', 0],
] as const;

/** How the last process ended: with an orderly stop, or killed when all was synced. */
export type Ending = 'stopped' | 'killed';

interface Sent {
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly bytes: Buffer;
}

export interface Subject {
  readonly ending: Ending;
  readonly contents: Contents;
  readonly sent: readonly Sent[];
}

export interface Fault {
  readonly path: string;
  readonly at: number;
  readonly kind: 'flip' | 'cut';
}

export async function makeSubject(ending: Ending): Promise<Subject> {
  const files = memoryFiles();
  const opened = await openTestStore(files, SMALL);
  const { store, sim } = opened;
  const chance = seeded(1);
  for (let i = 0; i < MESSAGES; i++) {
    const [topic, queueId] = queues[i % queues.length] ?? queues[0];
    store.append(draft(topic, `message ${i}`, 50 + chance.below(500), `tag${i % 5}`), queueId);
    if (i % 10 === 9) await sim.advance(100);
    if (i === 20) await deleteOne(opened);
  }
  await sim.advance(12_000);
  const sent = await allSent(opened);
  if (ending === 'stopped') await stop(opened);
  return { ending, contents: await CopyOnWriteFiles.contents(files, DIRECTORY), sent };
}

/** So that there is a note of a deleted topic, whose records must not come back. */
async function deleteOne({ store, sim }: TestStore): Promise<void> {
  store.append(draft('gone', 'must not come back'), 0);
  await sim.settle();
  const deleted = store.deleteTopic('gone');
  await sim.settle();
  await deleted;
}

async function allSent({ store }: TestStore): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (const [topic, queueId] of queues) {
    for (const entry of await store.entries(topic, queueId, 0, MESSAGES)) {
      const bytes = Buffer.from(await store.record(topic, queueId, entry));
      const { queueOffset, physicalOffset } = entry;
      sent.push({ topic, queueId, queueOffset, physicalOffset, bytes });
    }
  }
  return sent;
}

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

/** Opens the store with a fault and compares; answers what is wrong, one line each. */
export async function tryFault(subject: Subject, fault: Fault): Promise<readonly string[]> {
  const contents = new Map(subject.contents);
  const before = contents.get(fault.path) ?? Buffer.alloc(0);
  contents.set(fault.path, harmed(before, fault));
  const wrong: string[] = [];
  try {
    const opened = await openTestStore(afterKill(new CopyOnWriteFiles(contents)), SMALL);
    const lost = await compare(subject, fault, opened, wrong);
    if (lost > 0 && (await findingsOf(contents)).length === 0) {
      wrong.push(`${lost} messages lost, none reported`);
    }
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

/** Whether the fault touches a message's record in the log. */
function isHarmed({ physicalOffset, bytes }: Sent, { path, at, kind }: Fault): boolean {
  const match = /\/commitlog\/(\d{20})$/.exec(path);
  if (match === null) return false;
  const start = Number(match[1]);
  const position = start + at;
  if (physicalOffset < start || physicalOffset >= start + SMALL.segmentBytes) return false;
  const end = physicalOffset + bytes.length;
  return kind === 'cut' ? end > position : physicalOffset <= position && position < end;
}
