/**
 * Messages in `%RETRY%` topics, from Remoting clients or from Apache RocketMQ before a move: they are mixed
 * into the pops of their group. Gantry itself redelivers a message from its own place and writes none.
 *
 *     %RETRY%GROUP          sent back by Remoting clients; the property RETRY_TOPIC names their topic
 *     %RETRY%GROUP_TOPIC    copies of Apache's pop    %RETRY%GROUP+TOPIC    the same with enableRetryTopicV2
 */
import type {
  AckRequest,
  EntryStatus,
  HandleRef,
  PopRequest,
  PopResult,
} from '../../api/broker-api';
import { javaHashCode } from '../../message/java-hash';
import { RETRY_PREFIX } from '../../message/names';
import { readRecord } from '../../message/record';
import { Code } from '../../message/status';
import type { Clock } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { Metadata } from '../metadata';
import type { GroupTopic } from './group-topic';
import type { LedgerBook } from './ledger-book';
import type { LedgerLog } from './ledger-log';
import type { PopService } from './pop-service';
import { topicHashOf } from './receipt-token';

/** A poll looks at unfinished retry topics again after this long. */
const LOOK_MS = 1000;

const UNANSWERED: EntryStatus = { code: Code.INTERNAL_SERVER_ERROR, message: 'not answered' };

interface HandleRequest extends HandleRef {
  readonly group: string;
  readonly topic: string;
}

export interface RetryParts {
  readonly store: MessageStore;
  readonly metadata: Metadata;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly clock: Clock;
  readonly pops: Pick<PopService, 'pop'>;
  /** Whether a group may begin on its retry topics here. */
  readonly begins: boolean;
}

export class RetryTopics {
  private names = new WeakMap<GroupTopic, readonly string[]>();
  private namesOf = -1;

  constructor(private readonly parts: RetryParts) {}

  /** As `PopService.pop`, the messages of the group's retry topics first. */
  async pop(ledgers: GroupTopic, request: PopRequest, signal: AbortSignal): Promise<PopResult> {
    const { pops, clock } = this.parts;
    const endMs = clock.monotonicMs() + request.pollMs;
    for (;;) {
      const retries = this.unfinished(ledgers);
      if (retries.length === 0 && request.pollMs > 0) {
        const pollMs = Math.max(0, endMs - clock.monotonicMs());
        return pops.pop(ledgers, { ...request, pollMs }, signal);
      }
      for (const retry of retries) {
        const result = await this.popRetry(retry, request, signal);
        if (result.length > 0) return result;
      }
      const restMs = Math.max(0, endMs - clock.monotonicMs());
      const pollMs = Math.min(restMs, LOOK_MS);
      const result = await pops.pop(ledgers, { ...request, pollMs }, signal);
      if (result.length > 0 || restMs <= LOOK_MS || signal.aborted) return result;
    }
  }

  /** The request with the topic whose ledger its handle names: the one asked for, or one of its retry topics. */
  routed<T extends HandleRequest>(request: T): T {
    const { group, topic, receiptHandle } = request;
    const topics = this.existing(group, topic);
    return topics.length === 0
      ? request
      : { ...request, topic: topicIn(topics, receiptHandle) ?? topic };
  }

  /** Answers an acknowledgement by parts, each for one topic; the answers are in the order of the entries. */
  async ack(
    request: AckRequest,
    ack: (part: AckRequest) => Promise<readonly EntryStatus[]>,
  ): Promise<readonly EntryStatus[]> {
    const parts = this.byTopic(request);
    if (parts.size <= 1 && parts.has(request.topic)) return ack(request);
    const answers = new Map<HandleRef, EntryStatus>();
    for (const [topic, entries] of parts) {
      const statuses = await ack({ ...request, topic, entries });
      entries.forEach((entry, i) => answers.set(entry, statuses[i] ?? UNANSWERED));
    }
    return request.entries.map((entry) => answers.get(entry) ?? UNANSWERED);
  }

  /** Gives messages back by parts, each of one topic. */
  async release(request: AckRequest, release: (part: AckRequest) => Promise<void>): Promise<void> {
    for (const [topic, entries] of this.byTopic(request)) {
      await release({ ...request, topic, entries });
    }
  }

  private byTopic({ group, topic, entries }: AckRequest): Map<string, HandleRef[]> {
    const topics = this.existing(group, topic);
    if (topics.length === 0) return new Map([[topic, [...entries]]]);
    const parts = new Map<string, HandleRef[]>();
    for (const entry of entries) {
      const name = topicIn(topics, entry.receiptHandle) ?? topic;
      parts.set(name, [...(parts.get(name) ?? []), entry]);
    }
    return parts;
  }

  private async popRetry(
    retry: GroupTopic,
    request: PopRequest,
    signal: AbortSignal,
  ): Promise<PopResult> {
    const all = { type: 'TAG', expression: '*' } as const;
    const asked = { ...request, topic: retry.topic, filter: all, pollMs: 0 };
    const result = await this.parts.pops.pop(retry, asked, signal);
    // The copy has counted the deliveries of the original.
    return result.map((message) => ({
      ...message,
      attempt: message.attempt + readRecord(message.record, 0).reconsumeTimes,
    }));
  }

  /** The ledgers of the retry topics that hold messages which are not finished. Hot path: mostly none. */
  private unfinished(ledgers: GroupTopic): readonly GroupTopic[] {
    const { metadata, store } = this.parts;
    if (this.namesOf !== metadata.changes) {
      this.names = new WeakMap();
      this.namesOf = metadata.changes;
    }
    let names = this.names.get(ledgers);
    if (names === undefined) {
      names = this.existing(ledgers.group, ledgers.topic);
      this.names.set(ledgers, names);
    }
    if (names.length === 0) return [];
    return names
      .flatMap((name) => this.ledgersOf(ledgers.group, name) ?? [])
      .filter(({ topic, queues }) =>
        [...queues.values()].some(
          ({ queueId, committed }) => committed < store.maxOffset(topic, queueId),
        ),
      );
  }

  private existing(group: string, topic: string): readonly string[] {
    const own = `${RETRY_PREFIX}${group}`;
    const { topics } = this.parts.metadata;
    return [own, `${own}_${topic}`, `${own}+${topic}`].filter(
      (name) => name !== topic && topics.has(name),
    );
  }

  /** A group that has no offset on its retry topic begins with the first message there. */
  private ledgersOf(group: string, topic: string): GroupTopic | undefined {
    const { book, log, store, metadata, begins } = this.parts;
    const known = book.find(group, topic);
    if (known !== undefined || !begins) return known;
    const queues = metadata.topics.get(topic)?.queues ?? 0;
    const offsets = Array.from({ length: queues }, (_, id) => store.minOffset(topic, id));
    log.add({ kind: 'start', group, topic, generation: 0, offsets });
    return book.start(group, topic, 0, offsets);
  }
}

/** Which of the topics a handle names; its text is `BROKER~TOKEN`. */
function topicIn(topics: readonly string[], handle: string): string | undefined {
  const hash = topicHashOf(handle.slice(handle.lastIndexOf('~') + 1));
  return topics.find((topic) => javaHashCode(topic) === hash);
}
