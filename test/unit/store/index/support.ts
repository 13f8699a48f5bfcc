/** Messages with keys, and what an index should hold of them. */
import { Property, encodeProperties } from '../../../../src/message/properties';
import { draftRecord, type RecordDraft } from '../../../../src/message/record-draft';
import type { Files } from '../../../../src/platform/platform';
import type { Appended, MessageQuery } from '../../../../src/store/message-store';
import type { StoreOptions } from '../../../../src/store/open-store';
import { DIRECTORY, openTestStore, run, textOf, type TestStore } from '../support/test-store';

export const INDEX_SLOTS = 20;
export const INDEX_ENTRIES = 40;

/** A small store with an index of small files. */
export function openIndexed(
  files?: Files,
  changes: Partial<StoreOptions> = {},
): Promise<TestStore> {
  const index = { slots: INDEX_SLOTS, entries: INDEX_ENTRIES };
  return openTestStore(files, { index, ...changes });
}

export interface Message {
  readonly topic: string;
  readonly id: string;
  readonly keys?: string;
  readonly tag?: string;
}

/** A record whose body is the message's id. */
export function keyedDraft({ topic, id, keys = '', tag = '' }: Message): RecordDraft {
  const pairs: [string, string][] = [[Property.UNIQ_KEY, id]];
  if (keys !== '') pairs.push([Property.KEYS, keys]);
  if (tag !== '') pairs.push([Property.TAGS, tag]);
  const properties = encodeProperties(pairs);
  return draftRecord({ topic, body: Buffer.from(id), properties, tag, bornTimestamp: 1000 });
}

/** Appends messages to queue 0 and waits until they are visible; the index has not seen them then. */
export async function post(
  { store, sim }: TestStore,
  ...messages: readonly Message[]
): Promise<readonly Appended[]> {
  const placed = messages.map((message) => store.append(keyedDraft(message), 0));
  await sim.settle();
  return placed;
}

/** Lets the index follow the log. */
export async function indexed(opened: TestStore): Promise<void> {
  await opened.sim.advance(200);
}

export interface Found {
  /** Ids, the newest first. */
  readonly ids: readonly string[];
  readonly complete: boolean;
}

/** Searches a topic for a key, at any time, unless changed. */
export async function find(
  { store, sim }: TestStore,
  topic: string,
  key: string,
  changes: Partial<MessageQuery> = {},
): Promise<Found> {
  const all = { by: 'key', maxMessages: 64, beginMs: 0, endMs: Number.MAX_SAFE_INTEGER } as const;
  const query = { topics: [topic], key, ...all, ...changes };
  const { records, complete } = await run(sim, store.finder.find(query));
  return { ids: records.map(textOf), complete };
}

/** Names of the index files. */
export function indexNames(files: Files): Promise<string[]> {
  return files.list(`${DIRECTORY}/index`);
}

/** All bytes of the n-th index file. */
export async function indexFile(files: Files, n = 0): Promise<Buffer> {
  const name = (await indexNames(files))[n] ?? '';
  const bytes = await files.readFile(`${DIRECTORY}/index/${name}`);
  if (bytes === undefined) throw new Error(`there is no index file ${n}`);
  return bytes;
}
