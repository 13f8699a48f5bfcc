/** A store so small that each of its bytes can be harmed, and what was sent to it. */
import { encodeProperties, Property } from '../../../../src/message/properties';
import { draftRecord, type RecordDraft } from '../../../../src/message/record-draft';
import { memoryFiles } from '../../../../src/platform/memory-files';
import { type Contents, CopyOnWriteFiles } from '../../../support/copy-on-write-files';
import { seeded } from '../../../support/seeded';
import { DIRECTORY, draft, openTestStore, stop, type TestStore } from './test-store';

export const SMALL = {
  segmentBytes: 64 * 1024,
  queueFileEntries: 16,
  index: { slots: 100, entries: 400 },
};
export const MESSAGES = 200;
export const KEYS = 7;
export const queues = [
  ['orders', 0],
  ['orders', 1],
  ['other', 0],
] as const;

/** How the last process ended: with an orderly stop, or killed when all was synced. */
export type Ending = 'stopped' | 'killed';

export interface Sent {
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
  /** The same, as they lie in the log. */
  readonly inLog: readonly Sent[];
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
    store.append(message(topic, i, 50 + chance.below(500)), queueId);
    if (i % 10 === 9) await sim.advance(100);
    if (i === 20) await deleteOne(opened);
  }
  // Time enough for the index to be synced.
  await sim.advance(32_000);
  const sent = await allSent(opened);
  if (ending === 'stopped') await stop(opened);
  const inLog = [...sent].sort((a, b) => a.physicalOffset - b.physicalOffset);
  const contents = await CopyOnWriteFiles.contents(files, DIRECTORY);
  return { ending, contents, sent, inLog };
}

function message(topic: string, i: number, bytes: number): RecordDraft {
  const body = Buffer.alloc(bytes);
  body.write(`message ${i}`);
  const tag = `tag${i % 5}`;
  const properties = encodeProperties([
    [Property.UNIQ_KEY, `id${i}`],
    [Property.KEYS, `k${i % KEYS}`],
    [Property.TAGS, tag],
  ]);
  return draftRecord({ topic, body, properties, tag, bornTimestamp: 1000 });
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

/** Whether the fault touches a message's record in the log. */
export function isHarmed({ physicalOffset, bytes }: Sent, { path, at, kind }: Fault): boolean {
  const match = /\/commitlog\/(\d{20})$/.exec(path);
  if (match === null) return false;
  const start = Number(match[1]);
  const position = start + at;
  if (physicalOffset < start || physicalOffset >= start + SMALL.segmentBytes) return false;
  const end = physicalOffset + bytes.length;
  return kind === 'cut' ? end > position : physicalOffset <= position && position < end;
}
