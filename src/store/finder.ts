/** Looking for messages: by key, by id, by place, by time. */
import { topicOf } from '../message/record-property';
import { Code, StatusError } from '../message/status';
import type { CommitLog } from './commit-log';
import type { ConsumeQueue } from './consume-queue';
import type { ConsumeQueues } from './consume-queues';
import type { DeletedTopics } from './deleted-topics';
import type { MessageIndex } from './index/message-index';
import type { FoundMessages, MessageFinder, MessageQuery, QueueEntry } from './message-store';

const MAX_MESSAGES = 64;
const MAX_TOPICS = 1000;
const ENTRIES_A_READ = 1024;

export interface FinderOptions {
  readonly commitLog: CommitLog;
  readonly queues: ConsumeQueues;
  readonly deleted: DeletedTopics;
  /** `undefined` when the store has none. */
  readonly index: MessageIndex | undefined;
}

export class Finder implements MessageFinder {
  constructor(private readonly options: FinderOptions) {}

  async find(query: MessageQuery): Promise<FoundMessages> {
    const { index } = this.options;
    if (index === undefined) {
      throw new StatusError(
        Code.UNSUPPORTED,
        'this broker keeps no index of messages: store.index.enabled is false',
      );
    }
    checkQuery(query);
    return index.find(query);
  }

  async at(physicalOffset: number): Promise<Buffer | undefined> {
    const { commitLog, deleted } = this.options;
    if (!Number.isSafeInteger(physicalOffset) || physicalOffset < 0) return undefined;
    const record = await commitLog.recordAt(physicalOffset);
    if (record === undefined) return undefined;
    return physicalOffset < deleted.position(topicOf(record)) ? undefined : record;
  }

  async of(topic: string, queueId: number, queueOffset: number): Promise<Buffer | undefined> {
    const { commitLog, queues } = this.options;
    const queue = queues.find(topic, queueId);
    if (queue === undefined || queueOffset < queue.min) return undefined;
    const [entry] = await queues.entries(queue, queueOffset, 1);
    if (entry === undefined || entry.bytes === 0) return undefined;
    return commitLog.record(topic, queue.topicBytes, queueId, entry);
  }

  async offsetByTime(
    topic: string,
    queueId: number,
    timeMs: number,
    boundary: 'lower' | 'upper',
  ): Promise<number> {
    const queue = this.options.queues.find(topic, queueId);
    if (queue === undefined) return 0;
    if (boundary === 'lower') return this.firstStoredFrom(queue, timeMs);
    return Math.max(queue.min, (await this.firstStoredFrom(queue, timeMs + 1)) - 1);
  }

  /** The first offset whose message was stored at `timeMs` or later; `max` without one. */
  private async firstStoredFrom(queue: ConsumeQueue, timeMs: number): Promise<number> {
    let low = queue.min;
    let high = queue.max;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const probe = await this.firstWithTime(queue, middle, high);
      if (probe === undefined || probe.storedMs >= timeMs) high = middle;
      else low = probe.queueOffset + 1;
    }
    return low;
  }

  /** The first message of `from` .. `to` whose store time can be read. */
  private async firstWithTime(
    queue: ConsumeQueue,
    from: number,
    to: number,
  ): Promise<{ readonly queueOffset: number; readonly storedMs: number } | undefined> {
    const { queues, commitLog } = this.options;
    let entries: readonly QueueEntry[] = await queues.entries(queue, from, 1);
    for (let next = from; next < to && entries.length > 0;) {
      for (const { queueOffset, physicalOffset, bytes } of entries) {
        if (bytes === 0) continue;
        const storedMs = await commitLog.storeTimeAt(physicalOffset);
        if (storedMs !== undefined) return { queueOffset, storedMs };
      }
      next += entries.length;
      entries = await queues.entries(queue, next, Math.min(ENTRIES_A_READ, to - next));
    }
    return undefined;
  }
}

function checkQuery({ topics, key, maxMessages, beginMs, endMs }: MessageQuery): void {
  const bad = (text: string): StatusError => new StatusError(Code.BAD_REQUEST, text);
  if (topics.length < 1 || topics.length > MAX_TOPICS) {
    throw bad(`a search names ${topics.length} topics, the limit is 1 to ${MAX_TOPICS}`);
  }
  if (key === '') throw bad('a search for messages needs a key or an id');
  if (!Number.isInteger(maxMessages) || maxMessages < 1 || maxMessages > MAX_MESSAGES) {
    throw bad(`maxMessages is ${maxMessages}, the limit is 1 to ${MAX_MESSAGES}`);
  }
  if (!(beginMs <= endMs)) throw bad(`the time range ${beginMs} to ${endMs} is empty`);
}
