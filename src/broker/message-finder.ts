/** Searches for stored messages on one broker. */
import type { FoundMessages, MessageSearch } from '../api/message-search';
import type { TopicConfig } from '../api/topic';
import { isSystemTopic, UNANSWERED_TOPIC } from '../message/names';
import { parseOffsetMessageId } from '../message/offset-message-id';
import { readRecord } from '../message/record';
import { storeTimestampOf } from '../message/record-property';
import { Code, StatusError } from '../message/status';
import type { MessageStore } from '../store/message-store';
import { noTopic } from './config-checks';

/** Topics that a search by an id alone goes through. */
const MAX_TOPICS = 1000;
const MAX_MESSAGES = 64;
/** Bytes of all records of one answer; the first is given whatever its length. */
const MAX_BYTES = 32 * 1024 * 1024;

interface Records {
  readonly records: readonly Buffer[];
  readonly complete: boolean;
}

/** @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST, and what the store's finder throws */
export async function findMessages(
  store: MessageStore,
  topics: ReadonlyMap<string, TopicConfig>,
  broker: string,
  search: MessageSearch,
): Promise<FoundMessages> {
  const { topic, by, maxMessages } = search;
  if (!Number.isInteger(maxMessages) || maxMessages < 1 || maxMessages > MAX_MESSAGES) {
    throw bad(`maxMessages is ${maxMessages}, the limit is 1 to ${MAX_MESSAGES}`);
  }
  if (topic === '' && by !== 'id') throw bad(`a search by ${by} needs a topic`);
  // The one system topic that is there for operators.
  const queues = topic === UNANSWERED_TOPIC ? 1 : topics.get(topic)?.queues;
  if (topic !== '' && queues === undefined) throw noTopic(topic);
  const found = await (by === 'time'
    ? byTime(store, topic, queues ?? 0, search)
    : byKey(store, topics, by, search));
  return { ...found, messages: found.records.map((record) => ({ broker, record })) };
}

async function byKey(
  store: MessageStore,
  topics: ReadonlyMap<string, TopicConfig>,
  by: 'id' | 'key',
  search: MessageSearch,
): Promise<Records> {
  const { topic, key, maxMessages, beginMs, endMs } = search;
  const placed = by === 'id' ? await byPlace(store, topic, key) : undefined;
  if (placed !== undefined) return { records: [placed], complete: true };
  const all = [...topics.keys()].filter((name) => !isSystemTopic(name));
  const names = topic === '' ? all : [topic];
  if (names.length > MAX_TOPICS) {
    throw bad(`an id is looked for in ${MAX_TOPICS} topics at most, there are ${names.length}`);
  }
  if (names.length === 0) return { records: [], complete: true };
  return store.finder.find({ topics: names, key, by, maxMessages, beginMs, endMs });
}

/** The message that lies where an id of Apache RocketMQ says. */
async function byPlace(
  store: MessageStore,
  topic: string,
  id: string,
): Promise<Buffer | undefined> {
  const place = parseOffsetMessageId(id);
  const bytes = place && (await store.finder.at(place.physicalOffset));
  if (place === undefined || bytes === undefined) return undefined;
  const record = readRecord(bytes, 0);
  const { address, port } = record.storeHost;
  const isIt = address.equals(place.storeHost.address) && port === place.storeHost.port;
  if (!isIt || isSystemTopic(record.topic)) return undefined;
  return topic === '' || record.topic === topic ? bytes : undefined;
}

async function byTime(
  store: MessageStore,
  topic: string,
  queues: number,
  { maxMessages, beginMs, endMs }: MessageSearch,
): Promise<Records> {
  const found: Buffer[] = [];
  let bytes = 0;
  let complete = true;
  for (let queueId = 0; queueId < queues; queueId++) {
    const from = await store.finder.offsetByTime(topic, queueId, beginMs, 'lower');
    for (const entry of await store.entries(topic, queueId, from, maxMessages + 1)) {
      if (entry.bytes === 0) continue;
      const record = await store.record(topic, queueId, entry);
      if (storeTimestampOf(record) > endMs) break;
      found.push(record);
      bytes += record.length;
    }
    found.sort((a, b) => storeTimestampOf(a) - storeTimestampOf(b));
    while (found.length > maxMessages || (bytes > MAX_BYTES && found.length > 1)) {
      bytes -= found.pop()?.length ?? 0;
      complete = false;
    }
  }
  return { records: found, complete };
}

function bad(text: string): StatusError {
  return new StatusError(Code.BAD_REQUEST, text);
}
