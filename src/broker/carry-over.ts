/**
 * Saves messages whose segment is going to be removed and that a consumer group has had and not
 * finished: in flight, or ready again. Each is copied to the group's retry topic, of a FIFO group to its
 * dead letter queue, where its order holds nobody up; the copy's record also finishes the original.
 */
import type { Logger } from 'pino';
import { deadLetterDraft, retryCopyDraft, type DeadLetterOrigin } from '../message/dead-letter';
import { checkTopicName, RETRY_PREFIX } from '../message/names';
import type { RecordDraft } from '../message/record-draft';
import type { Platform } from '../platform/platform';
import type { MessageStore } from '../store/message-store';
import type { GroupTopic } from './pop/group-topic';
import type { LedgerBook } from './pop/ledger-book';
import type { LedgerLog } from './pop/ledger-log';
import type { QueueLedger } from './pop/queue-ledger';

/** Others have their turn of the event loop after so many copies... */
const COPIES_A_TURN = 32;
/** ... and so many bytes wait to be written, at most. */
const MOST_WAITING_BYTES = 1024 * 1024;
/** Looks at a queue: what is delivered while others are copied is seen by the next one. */
const MOST_LOOKS = 10;

/** What may be spent on copies for one removal. */
export interface CarryBudget {
  /** Bytes that may still be copied. */
  bytes: number;
  /** By the monotonic clock, ms. */
  readonly untilMs: number;
  /** Whether messages that cannot be appended are given up: the disk is full, and the removal frees it. */
  readonly givesUp: boolean;
}

export interface CarryParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly logger: Logger;
  readonly isFifo: (group: string) => boolean;
  /** Deliveries of a message before the dead letter queue. */
  readonly maxAttempts: (group: string) => number;
  /** Makes the topic where it does not exist. */
  readonly ensureTopic: (name: string) => Promise<void>;
}

export class CarryOver {
  private sinceTurn = 0;
  private waitingBytes = 0;

  constructor(private readonly parts: CarryParts) {}

  /**
   * Copies what a group has had of a queue below `min` and not finished. What is left then could not be
   * read, or was beyond the budget.
   * @returns how many messages were copied
   * @throws as `MessageStore.append`, unless the budget says to give up
   */
  async carry(
    ledgers: GroupTopic,
    ledger: QueueLedger,
    min: number,
    budget: CarryBudget,
  ): Promise<number> {
    const { clock } = this.parts.platform;
    const lost = new Set<number>();
    let copied = 0;
    for (let look = 0; look < MOST_LOOKS; look++) {
      const held = this.held(ledger, min).filter((offset) => !lost.has(offset));
      if (held.length === 0) break;
      for (const offset of held) {
        const spent = budget.bytes <= 0 || clock.monotonicMs() >= budget.untilMs;
        if (spent || ledgers.dropped) return copied;
        if (await this.copy(ledgers, ledger, offset, budget)) copied++;
        else if (ledger.row(offset) !== undefined) lost.add(offset);
        await this.pause();
      }
    }
    return copied;
  }

  /** Offsets below `min` that somebody has had and that are not finished. */
  private held(ledger: QueueLedger, min: number): number[] {
    const held: number[] = [];
    if (ledger.unfinished === 0) return held;
    const { attempt } = this.parts.book.rows;
    ledger.forEachRow((offset, row) => {
      if (offset < min && (attempt[row] ?? 0) > 0) held.push(offset);
    });
    return held;
  }

  /** Copies one message; false when it was finished meanwhile, or cannot be copied. */
  private async copy(
    ledgers: GroupTopic,
    ledger: QueueLedger,
    queueOffset: number,
    budget: CarryBudget,
  ): Promise<boolean> {
    const { book, log, logger, ensureTopic } = this.parts;
    const { group, topic } = ledgers;
    const { queueId, generation } = ledger;
    const origin: DeadLetterOrigin = { group, topic, queueId, queueOffset, generation };
    let record: Buffer;
    try {
      record = await this.read(origin);
    } catch (err) {
      logger.error({ err, ...origin }, 'message cannot be saved from a segment that is removed');
      return false;
    }
    const attempts = book.rows.attempt[ledger.row(queueOffset) ?? -1] ?? 0;
    const draft = this.draft(record, origin, attempts);
    if (draft === undefined) return false;
    try {
      await ensureTopic(draft.topic);
      if (ledgers.dropped || ledger.row(queueOffset) === undefined) return false;
      // From here on in one turn: what the copy finishes is in the log before it.
      log.append(draft, 0, true);
    } catch (err) {
      if (!budget.givesUp) throw err;
      logger.error({ err, ...origin }, 'message cannot be saved from a segment that is removed');
      return false;
    }
    book.finish(ledger, queueOffset);
    book.deadLetters.add(origin);
    budget.bytes -= draft.byteLength;
    this.waitingBytes += draft.byteLength;
    return true;
  }

  private async read({ topic, queueId, queueOffset }: DeadLetterOrigin): Promise<Buffer> {
    const { store } = this.parts;
    const [entry] = await store.entries(topic, queueId, queueOffset, 1);
    if (entry?.queueOffset !== queueOffset) throw new Error('its queue entry is gone');
    return store.record(topic, queueId, entry);
  }

  private draft(
    record: Buffer,
    origin: DeadLetterOrigin,
    attempts: number,
  ): RecordDraft | undefined {
    const { isFifo, maxAttempts, logger } = this.parts;
    const { group, topic } = origin;
    try {
      if (isFifo(group) || attempts >= maxAttempts(group)) {
        return deadLetterDraft(record, origin, attempts);
      }
      return retryCopyDraft(record, origin, attempts, retryTopicOf(group, topic));
    } catch (err) {
      logger.error({ err, ...origin }, 'message cannot be saved from a segment that is removed');
      return undefined;
    }
  }

  private async pause(): Promise<void> {
    const { log, platform } = this.parts;
    if (this.waitingBytes >= MOST_WAITING_BYTES) {
      this.waitingBytes = 0;
      await log.written();
    }
    if (++this.sinceTurn < COPIES_A_TURN) return;
    this.sinceTurn = 0;
    await new Promise<void>((resolve) => platform.timers.nextTurn(resolve));
  }
}

/** The topic that pops of the group on the topic look into, see ./pop/retry-topics. */
function retryTopicOf(group: string, topic: string): string {
  const own = `${RETRY_PREFIX}${group}`;
  // A copy that was not finished either is copied to where it lies.
  if (topic === own || topic.startsWith(`${own}_`) || topic.startsWith(`${own}+`)) return topic;
  const name = `${own}_${topic}`;
  try {
    checkTopicName(name);
    return name;
  } catch {
    return own;
  }
}
