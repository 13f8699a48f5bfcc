// long: one broker of the API, each method a few lines.
import type {
  AckRequest,
  ChangeInvisibleRequest,
  EntryStatus,
  ForwardRequest,
  FilterFault,
  GroupProgress,
  PopRequest,
  PopResult,
  ProgressRequest,
  SendRequest,
  SendResult,
  SubscribeRequest,
} from '../../src/api/broker-api';
import type { BrokerConnection } from '../../src/api/broker-dialer';
import type { ReplicasApi } from '../../src/api/cluster-api';
import type { ReplicationStatus } from '../../src/api/cluster-view';
import { BrokerLostError } from '../../src/api/broker-lost';
import { BrokerUnreachableError } from '../../src/api/broker-unreachable';
import type { DelayedMessages, ListDelayedRequest, RecallRequest } from '../../src/api/delayed-api';
import type { SyncLiteRequest } from '../../src/api/lite-api';
import type { FoundMessages, MessageSearch } from '../../src/api/message-search';
import { formatReceiptHandle } from '../../src/api/receipt-handle';
import {
  DEFAULT_BACKOFF,
  DEFAULT_MAX_ATTEMPTS,
  type GroupConfig,
  type TopicConfig,
} from '../../src/api/topic';
import type {
  CheckOutcome,
  Resolution,
  TakeChecksRequest,
  TransactionApi,
  TransactionCheck,
} from '../../src/api/transaction-api';
import { ANY_HOST } from '../../src/message/host';
import { placeRecord, uniqueKeyOf } from '../../src/message/record';
import { topicOf } from '../../src/message/record-property';
import { Code, StatusError } from '../../src/message/status';
import { deferred } from './deferred';
import { ModelInspect } from './model-inspect';
import { ModelOffsets } from './model-offsets';

interface Stored {
  readonly record: Buffer;
  readonly topic: string;
  attempt: number;
  /** The handle of its last delivery; `undefined` while it is ready. */
  handle: string | undefined;
}

interface Poll {
  readonly request: PopRequest;
  readonly end: (result: PopResult) => void;
}

/**
 * A broker of a few lines, in memory and without time: one consumer group's view of each topic, no
 * redelivery but what is released. It records what it was asked, and fails where a test says so.
 */
export class ModelBroker implements BrokerConnection {
  readonly topics = new Map<string, TopicConfig>();
  readonly groups = new Map<string, GroupConfig>();
  readonly sends: { topic: string; queueId: number }[] = [];
  readonly pops: PopRequest[] = [];
  readonly subscribed: SubscribeRequest[] = [];
  readonly synced: SyncLiteRequest[] = [];
  /** Lite topics that the next sync is told of. */
  readonly removedLite: string[] = [];
  readonly released: AckRequest[] = [];
  readonly changed: ChangeInvisibleRequest[] = [];
  readonly forwarded: ForwardRequest[] = [];
  readonly recalled: RecallRequest[] = [];
  readonly seen: string[] = [];
  readonly gone: string[] = [];
  /** Transactions that have not ended, by id, and how the others did. */
  readonly pending = new Map<string, SendRequest>();
  readonly ended = new Map<string, Resolution>();
  /** What the next proxies that wait for checks get. */
  checks: TransactionCheck[] = [];
  readonly reported: CheckOutcome[] = [];
  readonly taking: { request: TakeChecksRequest; end: (checks: TransactionCheck[]) => void }[] = [];
  /** What it tells of its group. */
  replication: ReplicationStatus = {
    ...{ brokerName: '', replicaId: 0, role: 'alone', epoch: 1, inSync: [0], followers: [] },
    ...{ minPosition: 0, endPosition: 0, confirmedPosition: 0 },
  };
  readonly handedOver: (number | undefined)[] = [];
  readonly replicas: ReplicasApi = {
    status: async () => {
      this.check();
      return { ...this.replication, brokerName: this.brokerName };
    },
    handOver: async (to) => {
      this.check();
      this.handedOver.push(to);
    },
  };
  readonly transactions: TransactionApi = {
    prepare: async (request) => {
      this.check();
      if (!this.topics.has(request.draft.topic)) throw noTopic(request.draft.topic);
      const record = Buffer.alloc(request.draft.byteLength);
      request.draft.writeTo(record, 0);
      this.pending.set(uniqueKeyOf(record), request);
      return { queueOffset: this.pending.size - 1, physicalOffset: 0 };
    },
    endTransaction: async ({ transactionId, resolution }) => {
      this.check();
      const ended = this.ended.get(transactionId);
      if (ended !== undefined && ended !== resolution) {
        throw new StatusError(Code.BAD_REQUEST, `ended by ${ended}`);
      }
      if (ended === undefined && !this.pending.delete(transactionId)) {
        throw new StatusError(Code.INVALID_TRANSACTION_ID, 'unknown transaction');
      }
      this.ended.set(transactionId, resolution);
    },
    takeChecks: async (request, signal) => {
      this.check();
      if (this.checks.length > 0) return this.checks.splice(0);
      return new Promise((resolve) => {
        const waiting = { request, end: resolve };
        this.taking.push(waiting);
        signal.addEventListener('abort', () => {
          this.taking.splice(this.taking.indexOf(waiting), 1);
          resolve([]);
        });
      });
    },
    reportChecks: async (outcomes) => {
      this.check();
      this.reported.push(...outcomes);
    },
    listTransactions: async ({ topic, transactionId, maxCount }) => {
      this.check();
      const all = [...this.pending]
        .filter(
          ([id, { draft }]) =>
            (topic === '' || draft.topic === topic) &&
            (transactionId === '' || id === transactionId),
        )
        .map(([id, { draft }], i) => ({
          ...{ topic: draft.topic, transactionId: id, storedMs: 1_700_000_000_000 + i },
          ...{ checks: 1, queueOffset: i, physicalOffset: 100 * i },
        }));
      return { transactions: all.slice(0, maxCount), total: all.length };
    },
  };
  readonly offsets = new ModelOffsets(() => this.check());
  readonly inspect = new ModelInspect(() => this.check());
  /** What waits for its delivery time. */
  delayed: DelayedMessages = { messages: [], counts: [], total: 0 };
  /** What its filters could not evaluate. */
  faults: readonly FilterFault[] = [];
  putTopics = 0;
  draining = false;
  probes = 0;
  autoCreateGroups = true;
  closed = false;
  /** Thrown by every call while it is set. */
  failure: Error | undefined;
  private readonly death = deferred<never>();
  /** What sends wait for, to keep them under way. */
  sendGate: Promise<void> = Promise.resolve();
  private stored: Stored[] = [];
  private readonly polls = new Set<Poll>();
  private handles = 0;

  /** @param onTopics told after each change of the topics */
  constructor(
    readonly brokerName: string,
    private readonly onTopics: () => void,
  ) {
    this.death.promise.catch(() => undefined);
  }

  /** As when its process dies: calls under way are lost, later ones do not reach it. */
  die(): void {
    this.failure = new BrokerUnreachableError(this.brokerName);
    this.death.reject(new BrokerLostError(`broker ${this.brokerName} was lost`));
  }

  async send({ queueId, draft }: SendRequest): Promise<SendResult> {
    this.check();
    await Promise.race([this.sendGate, this.death.promise]);
    if (!this.topics.has(draft.topic)) throw noTopic(draft.topic);
    const record = Buffer.alloc(draft.byteLength);
    draft.writeTo(record, 0);
    const queueOffset = this.sends.filter((sent) => sent.queueId === queueId).length;
    const delayed = draft.deliverMs !== undefined && draft.deliverMs > 1_700_000_000_000;
    const place = { queueId, queueOffset, physicalOffset: this.sends.length };
    placeRecord(record, 0, { ...place, storeTimestamp: 1_700_000_000_123, storeHost: ANY_HOST });
    this.sends.push({ topic: draft.topic, queueId });
    if (delayed) return { queueOffset, physicalOffset: place.physicalOffset, delayed };
    this.stored.push({ record, topic: draft.topic, attempt: 0, handle: undefined });
    this.serve();
    return { queueOffset, physicalOffset: place.physicalOffset };
  }

  async recall(request: RecallRequest): Promise<void> {
    this.check();
    this.recalled.push(request);
  }

  async listDelayed({ maxMessages }: ListDelayedRequest): Promise<DelayedMessages> {
    this.check();
    return { ...this.delayed, messages: this.delayed.messages.slice(0, maxMessages) };
  }

  /** Puts bytes where a record of `topic` would be. */
  put(topic: string, record: Buffer): void {
    this.stored.push({ record, topic, attempt: 0, handle: undefined });
    this.serve();
  }

  async pop(request: PopRequest, signal: AbortSignal): Promise<PopResult> {
    this.check();
    this.pops.push(request);
    if (!this.topics.has(request.topic)) throw noTopic(request.topic);
    if (!this.groups.has(request.group)) throw noGroup(request.group);
    const now = this.take(request);
    if (now.length > 0 || request.pollMs === 0 || signal.aborted) return now;
    const result = new Promise<PopResult>((resolve) => {
      const poll: Poll = {
        request,
        end: (result) => {
          this.polls.delete(poll);
          resolve(result);
        },
      };
      this.polls.add(poll);
      signal.addEventListener('abort', () => poll.end([]), { once: true });
    });
    return Promise.race([result, this.death.promise]);
  }

  /** Ends the waiting polls as if their time were over. */
  endPolls(): void {
    for (const poll of this.polls) poll.end([]);
  }

  get waitingPolls(): number {
    return this.polls.size;
  }

  /** Messages that are neither ready nor in flight count no more. */
  get unfinished(): number {
    return this.stored.length;
  }

  async ack({ entries }: AckRequest): Promise<readonly EntryStatus[]> {
    this.check();
    return entries.map(({ receiptHandle }) => {
      const at = this.stored.findIndex(({ handle }) => handle === receiptHandle);
      if (at < 0) return { code: Code.INVALID_RECEIPT_HANDLE, message: 'unknown handle' };
      this.stored.splice(at, 1);
      return { code: Code.OK, message: 'OK' };
    });
  }

  async changeInvisible(request: ChangeInvisibleRequest): Promise<string> {
    this.check();
    const message = this.stored.find(({ handle }) => handle === request.receiptHandle);
    if (message === undefined) {
      throw new StatusError(Code.INVALID_RECEIPT_HANDLE, 'unknown handle');
    }
    this.changed.push(request);
    message.handle = this.mint();
    return message.handle;
  }

  async forwardToDeadLetterQueue(request: ForwardRequest): Promise<void> {
    this.check();
    const at = this.stored.findIndex(({ handle }) => handle === request.receiptHandle);
    if (at < 0) throw new StatusError(Code.INVALID_RECEIPT_HANDLE, 'unknown handle');
    this.stored.splice(at, 1);
    this.forwarded.push(request);
  }

  async release(request: AckRequest): Promise<void> {
    this.released.push(request);
    for (const { receiptHandle } of request.entries) {
      const message = this.stored.find(({ handle }) => handle === receiptHandle);
      if (message === undefined) continue;
      message.handle = undefined;
      message.attempt--;
    }
    this.serve();
  }

  async subscribe(request: SubscribeRequest): Promise<GroupConfig> {
    this.check();
    this.subscribed.push(request);
    const known = this.groups.get(request.group);
    if (known !== undefined) return known;
    if (!this.autoCreateGroups) throw noGroup(request.group);
    const group = groupConfig(request.group, { fifo: request.fifoIfNew });
    this.groups.set(group.name, group);
    return group;
  }

  async syncLite(request: SyncLiteRequest): Promise<readonly string[]> {
    this.check();
    this.synced.push(request);
    return this.removedLite.splice(0);
  }

  async groupProgress(request: ProgressRequest): Promise<GroupProgress> {
    this.check();
    if (!this.topics.has(request.topic)) throw noTopic(request.topic);
    return { finished: request.generation, since: this.groups.has(request.group) ? 1 : 0 };
  }

  async clientSeen(clientId: string): Promise<void> {
    this.check();
    this.seen.push(clientId);
  }

  async clientGone(clientId: string): Promise<void> {
    this.check();
    this.gone.push(clientId);
    for (const poll of this.polls) if (poll.request.clientId === clientId) poll.end([]);
  }

  async probe(): Promise<void> {
    this.probes++;
    this.check();
  }

  async putTopic(config: TopicConfig): Promise<void> {
    this.check();
    this.putTopics++;
    this.topics.set(config.name, config);
    this.onTopics();
  }

  async deleteTopic(name: string): Promise<void> {
    this.check();
    if (!this.topics.delete(name)) throw noTopic(name);
    this.onTopics();
  }

  async listTopics(): Promise<readonly TopicConfig[]> {
    this.check();
    return [...this.topics.values()];
  }

  async setDraining(draining: boolean): Promise<void> {
    this.check();
    this.draining = draining;
    this.onTopics();
  }

  async putGroup(config: GroupConfig): Promise<void> {
    this.check();
    this.groups.set(config.name, config);
  }

  async deleteGroup(name: string): Promise<void> {
    this.check();
    if (!this.groups.delete(name)) throw noGroup(name);
  }

  async listGroups(): Promise<readonly GroupConfig[]> {
    this.check();
    return [...this.groups.values()];
  }

  async filterFaults(): Promise<readonly FilterFault[]> {
    this.check();
    return this.faults;
  }

  async findMessages({ topic, key, maxMessages }: MessageSearch): Promise<FoundMessages> {
    this.check();
    const records = this.stored.map(({ record }) => record);
    const all = records.filter((record) => topicOf(record) === topic && record.includes(key));
    const messages = all
      .slice(0, maxMessages)
      .map((record) => ({ broker: this.brokerName, record: Buffer.from(record) }));
    return { messages, complete: all.length <= maxMessages };
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  private serve(): void {
    for (const poll of this.polls) {
      const messages = this.take(poll.request);
      if (messages.length > 0) poll.end(messages);
    }
  }

  private take({ topic, maxMessages, invisibleMs }: PopRequest): PopResult {
    return this.stored
      .filter((message) => message.topic === topic && message.handle === undefined)
      .slice(0, maxMessages)
      .map((message) => {
        message.handle = this.mint();
        message.attempt++;
        const { record, handle: receiptHandle, attempt } = message;
        return { record, receiptHandle, attempt, invisibleMs };
      });
  }

  private mint(): string {
    return formatReceiptHandle(this.brokerName, `token${this.handles++}`);
  }
}

/** What a filter could not evaluate. */
export const filterFault: FilterFault = {
  group: 'g',
  topic: 't',
  faults: 3,
  lastFault: 'property price is no number: "dear"',
  lastQueueId: 7,
  lastOffset: 42,
  lastWallMs: 1_700_000_000_000,
};

export function groupConfig(name: string, changes: Partial<GroupConfig> = {}): GroupConfig {
  return {
    name,
    fifo: false,
    maxAttempts: DEFAULT_MAX_ATTEMPTS,
    backoff: DEFAULT_BACKOFF,
    startFrom: 'end',
    ...changes,
  };
}

function noTopic(name: string): StatusError {
  return new StatusError(Code.TOPIC_NOT_FOUND, `topic ${name} does not exist on this broker`);
}

function noGroup(name: string): StatusError {
  return new StatusError(Code.CONSUMER_GROUP_NOT_FOUND, `consumer group ${name} does not exist`);
}
