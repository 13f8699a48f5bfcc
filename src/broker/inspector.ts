/** How full topics are and how far groups of consumers, for operators. */
import {
  ALL_LITE_TOPICS,
  type GroupTopicRef,
  type InspectApi,
  type LagRequest,
  type QueueLag,
  type QueueStatus,
  type TopicHolding,
  type TopicLag,
  type TopicStatus,
} from '../api/inspect-api';
import { MAX_QUEUES } from '../api/topic';
import { storeTimestampOf } from '../message/record-property';
import { Code, StatusError } from '../message/status';
import { noGroup, noTopic } from './config-checks';
import { holdingsOf, type HoldingsParts } from './holdings';
import type { LiteTable } from './lite/lite-table';
import type { GroupTopic } from './pop/group-topic';
import type { LedgerLog } from './pop/ledger-log';
import type { QueueLedger } from './pop/queue-ledger';
import { countRows } from './row-counts';

/** Topics of one question. */
const MAX_TOPICS = 1000;

export interface InspectorParts extends HoldingsParts {
  readonly brokerName: string;
  readonly log: LedgerLog;
  /** The lite topics of a parent. */
  readonly lite: (topic: string) => Pick<LiteTable, 'rows' | 'queueOf'>;
  readonly groups: ReadonlyMap<string, unknown>;
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
    if (config.type === 'LITE') queues.push(this.liteStatus(topic));
    return { broker: brokerName, queues, delayed: delayed(topic) };
  }

  async groupLag({ group, topics, liteTopic }: LagRequest): Promise<readonly TopicLag[]> {
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
    for (const ledgers of found) {
      const queues = await this.lagsOf(ledgers, liteTopic);
      const { topic } = ledgers;
      const { brokerName: broker, delayed } = this.parts;
      if (queues !== undefined) lags.push({ broker, topic, queues, delayed: delayed(topic) });
    }
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

  holdings(): Promise<readonly TopicHolding[]> {
    return holdingsOf(this.parts);
  }

  private async queueStatus(topic: string, queueId: number): Promise<QueueStatus> {
    const { store } = this.parts;
    const minOffset = store.minOffset(topic, queueId);
    const maxOffset = store.maxOffset(topic, queueId);
    const firstStoredMs = await this.storedMs(topic, queueId, minOffset);
    const lastStoredMs = await this.storedMs(topic, queueId, maxOffset - 1);
    return { queueId, minOffset, maxOffset, firstStoredMs, lastStoredMs };
  }

  /** `undefined` where the lite topic that is asked about is not. */
  private async lagsOf(
    ledgers: GroupTopic,
    liteTopic: string | undefined,
  ): Promise<readonly QueueLag[] | undefined> {
    const { topic } = ledgers;
    const { topics, lite } = this.parts;
    const { type, queues = 0 } = topics.get(topic) ?? {};
    if (liteTopic !== undefined) {
      const queueId = type === 'LITE' ? lite(topic).queueOf(liteTopic) : undefined;
      const ledger = queueId === undefined ? undefined : ledgers.queues.get(queueId);
      if (queueId === undefined || ledger === undefined) return undefined;
      return [await this.queueLag(topic, queueId, ledger)];
    }
    if (type === 'LITE') return [this.liteLag(ledgers)];
    const lags: QueueLag[] = [];
    for (let queueId = 0; queueId < queues; queueId++) {
      lags.push(await this.queueLag(topic, queueId, ledgers.queues.get(queueId)));
    }
    return lags;
  }

  private liteStatus(topic: string): QueueStatus {
    const { store, lite } = this.parts;
    let kept = 0;
    for (const { queueId, base } of lite(topic).rows()) {
      const first = Math.max(base, store.minOffset(topic, queueId));
      kept += Math.max(0, store.maxOffset(topic, queueId) - first);
    }
    const none = { minOffset: 0, firstStoredMs: 0, lastStoredMs: 0 };
    return { queueId: ALL_LITE_TOPICS, ...none, maxOffset: kept };
  }

  /** Of all lite topics on which the group has begun. */
  private liteLag({ topic, queues }: GroupTopic): QueueLag {
    let [ready, inFlight] = [0, 0];
    for (const [queueId, ledger] of queues) {
      if (queueId < MAX_QUEUES) continue;
      const counted = this.counted(topic, queueId, ledger);
      ready += counted.ready;
      inFlight += counted.inFlight;
    }
    const none = { committed: 0, readyStoredMs: 0, finishedStoredMs: 0 };
    return { queueId: ALL_LITE_TOPICS, ...none, maxOffset: ready + inFlight, ready, inFlight };
  }

  private async queueLag(
    topic: string,
    queueId: number,
    ledger: QueueLedger | undefined,
  ): Promise<QueueLag> {
    const { store } = this.parts;
    const maxOffset = store.maxOffset(topic, queueId);
    const committed = Math.max(ledger?.committed ?? 0, store.minOffset(topic, queueId));
    const { ready, inFlight, oldest } = this.counted(topic, queueId, ledger);
    return {
      ...{ queueId, committed, maxOffset, ready, inFlight },
      readyStoredMs: oldest === undefined ? 0 : await this.storedMs(topic, queueId, oldest),
      finishedStoredMs: await this.storedMs(topic, queueId, committed - 1),
    };
  }

  /** Messages that are ready, with the first of them, and in flight. */
  private counted(
    topic: string,
    queueId: number,
    ledger: QueueLedger | undefined,
  ): { readonly ready: number; readonly inFlight: number; readonly oldest: number | undefined } {
    const { store } = this.parts;
    const minOffset = store.minOffset(topic, queueId);
    const maxOffset = store.maxOffset(topic, queueId);
    const next = Math.max(ledger?.next ?? 0, minOffset);
    const rows = countRows(this.parts.book, ledger, minOffset);
    return {
      ready: rows.ready + Math.max(0, maxOffset - next),
      inFlight: rows.inFlight,
      oldest: rows.firstReady ?? (next < maxOffset ? next : undefined),
    };
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
