/** How full topics are and how far groups of consumers, for operators. */
import type {
  GroupTopicRef,
  InspectApi,
  LagRequest,
  QueueLag,
  QueueStatus,
  TopicLag,
  TopicStatus,
} from '../api/inspect-api';
import type { TopicConfig } from '../api/topic';
import { storeTimestampOf } from '../message/record-property';
import { Code, StatusError } from '../message/status';
import type { MessageStore } from '../store/message-store';
import { noGroup, noTopic } from './config-checks';
import type { GroupTopic } from './pop/group-topic';
import type { LedgerBook } from './pop/ledger-book';
import type { LedgerLog } from './pop/ledger-log';
import type { QueueLedger } from './pop/queue-ledger';

/** Topics of one question. */
const MAX_TOPICS = 1000;

export interface InspectorParts {
  readonly brokerName: string;
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly topics: ReadonlyMap<string, TopicConfig>;
  readonly groups: ReadonlyMap<string, unknown>;
  /** Messages of a topic that wait for their delivery time. */
  readonly delayed: (topic: string) => number;
  /** Fails the receives that wait on ledgers which are gone. */
  readonly endPolls: (gone: GroupTopic, error: StatusError) => void;
}

export class Inspector implements InspectApi {
  constructor(private readonly parts: InspectorParts) {}

  async topicStatus(topic: string): Promise<TopicStatus> {
    const { brokerName, topics, delayed } = this.parts;
    const config = topics.get(topic);
    if (config === undefined) throw noTopic(topic);
    const queues: QueueStatus[] = [];
    for (let queueId = 0; queueId < config.queues; queueId++) {
      queues.push(await this.queueStatus(topic, queueId));
    }
    return { broker: brokerName, queues, delayed: delayed(topic) };
  }

  async groupLag({ group, topics }: LagRequest): Promise<readonly TopicLag[]> {
    const { book, groups } = this.parts;
    if (!groups.has(group)) throw noGroup(group);
    const asked = topics.length > 0 ? new Set(topics) : undefined;
    const found = [...book.topicsOf(group)].filter(({ topic }) => asked?.has(topic) ?? true);
    const count = Math.max(topics.length, found.length);
    if (count > MAX_TOPICS) {
      throw new StatusError(
        Code.BAD_REQUEST,
        `group ${group} is asked about on ${count} topics, the limit is ${MAX_TOPICS}: name some`,
      );
    }
    const lags: TopicLag[] = [];
    for (const ledgers of found) lags.push(await this.topicLag(ledgers));
    return lags;
  }

  begun({ group, topic }: GroupTopicRef): Promise<readonly GroupTopicRef[]> {
    const { book } = this.parts;
    if (group === '' && topic === '') {
      return Promise.reject(new StatusError(Code.BAD_REQUEST, 'neither group nor topic is given'));
    }
    const found = group === '' ? book.ofTopic(topic) : book.topicsOf(group);
    const all = [...found].filter((ledgers) => topic === '' || ledgers.topic === topic);
    return Promise.resolve(all.map((ledgers) => ({ group: ledgers.group, topic: ledgers.topic })));
  }

  async forget({ group, topic }: GroupTopicRef): Promise<void> {
    const { book, log, endPolls } = this.parts;
    const ledgers = book.find(group, topic);
    const left = `group ${group} has not begun on topic ${topic}`;
    if (ledgers === undefined) throw new StatusError(Code.OFFSET_NOT_FOUND, left);
    book.drop(ledgers);
    log.add({ kind: 'drop', group, topic });
    endPolls(ledgers, new StatusError(Code.OFFSET_NOT_FOUND, left));
    await log.durable();
  }

  private async queueStatus(topic: string, queueId: number): Promise<QueueStatus> {
    const { store } = this.parts;
    const minOffset = store.minOffset(topic, queueId);
    const maxOffset = store.maxOffset(topic, queueId);
    const firstStoredMs = await this.storedMs(topic, queueId, minOffset);
    const lastStoredMs = await this.storedMs(topic, queueId, maxOffset - 1);
    return { queueId, minOffset, maxOffset, firstStoredMs, lastStoredMs };
  }

  private async topicLag(ledgers: GroupTopic): Promise<TopicLag> {
    const { topic } = ledgers;
    const { brokerName, topics, delayed } = this.parts;
    const queues: QueueLag[] = [];
    for (let queueId = 0; queueId < (topics.get(topic)?.queues ?? 0); queueId++) {
      queues.push(await this.queueLag(topic, queueId, ledgers.queues.get(queueId)));
    }
    return { broker: brokerName, topic, queues, delayed: delayed(topic) };
  }

  private async queueLag(
    topic: string,
    queueId: number,
    ledger: QueueLedger | undefined,
  ): Promise<QueueLag> {
    const { store } = this.parts;
    const minOffset = store.minOffset(topic, queueId);
    const maxOffset = store.maxOffset(topic, queueId);
    const committed = Math.max(ledger?.committed ?? 0, minOffset);
    const next = Math.max(ledger?.next ?? 0, minOffset);
    const rows = this.countRows(ledger, minOffset);
    const ready = rows.ready + Math.max(0, maxOffset - next);
    const oldest = rows.firstReady ?? (next < maxOffset ? next : undefined);
    return {
      ...{ queueId, committed, maxOffset, ready, inFlight: rows.inFlight },
      readyStoredMs: oldest === undefined ? 0 : await this.storedMs(topic, queueId, oldest),
      finishedStoredMs: await this.storedMs(topic, queueId, committed - 1),
    };
  }

  /** Messages that the group has come to and not finished, and the first of those that nobody holds. */
  private countRows(
    ledger: QueueLedger | undefined,
    minOffset: number,
  ): { readonly ready: number; readonly inFlight: number; readonly firstReady?: number } {
    let ready = 0;
    let inFlight = 0;
    let firstReady: number | undefined;
    if (ledger === undefined || ledger.unfinished === 0) return { ready, inFlight };
    ledger.forEachRow((offset, row) => {
      if (offset < minOffset) return;
      if (this.parts.book.inFlight(row)) {
        inFlight++;
        return;
      }
      ready++;
      firstReady ??= offset;
    });
    return { ready, inFlight, ...(firstReady === undefined ? {} : { firstReady }) };
  }

  /** Store time of a message; 0 when it is not there. */
  private async storedMs(topic: string, queueId: number, offset: number): Promise<number> {
    const { store } = this.parts;
    if (offset < store.minOffset(topic, queueId)) return 0;
    const [entry] = await store.entries(topic, queueId, offset, 1);
    if (entry?.queueOffset !== offset || entry.bytes === 0) return 0;
    return storeTimestampOf(await store.record(topic, queueId, entry));
  }
}
