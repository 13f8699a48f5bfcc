/**
 * What a replica finished while it stood in, applied to the master's ledgers: as an acknowledgement, also where the
 * master has not delivered the message. Applied twice it changes nothing.
 */
import type { Logger } from 'pino';
import type { FinishedQueue } from '../../api/replication-api';
import type { Timers } from '../../platform/platform';
import type { GroupTopic } from '../pop/group-topic';
import { type UnseenParts, UnseenMessages } from '../pop/unseen-messages';
import type { QueueLedger } from '../pop/queue-ledger';

/** Offsets looked at in one turn, and finished by one operation. */
const TURN_OFFSETS = 4096;

export interface TakeBackParts extends UnseenParts {
  readonly timers: Pick<Timers, 'nextTurn'>;
  readonly logger: Logger;
  /** A group's ledgers have messages to look at. */
  readonly becameReady: (ledgers: GroupTopic) => void;
}

interface Found {
  readonly ledgers: GroupTopic;
  readonly ledger: QueueLedger;
}

export class TakeBack {
  private readonly unseen: UnseenMessages;

  constructor(private readonly parts: TakeBackParts) {
    this.unseen = new UnseenMessages(parts);
  }

  /** Resolves when all of it is on stable storage. */
  async take(queues: readonly FinishedQueue[]): Promise<void> {
    for (const queue of queues) await this.finish(queue);
    await this.parts.log.synced();
  }

  private async finish(queue: FinishedQueue): Promise<void> {
    const found = this.find(queue);
    const { logger, becameReady } = this.parts;
    const { group, topic, queueId, generation } = queue;
    if (found === undefined) {
      const what =
        'what a stand-in finished does not count: the group was reset or forgotten since';
      logger.warn({ group, topic, queueId, generation }, what);
      return;
    }
    if (queue.below > 0) this.finishBelow(found, queue.below);
    for (const { from, count } of queue.ranges) await this.finishRange(queue, from, from + count);
    becameReady(found.ledgers);
  }

  private finishBelow({ ledgers, ledger }: Found, below: number): void {
    const { book, log, store } = this.parts;
    const { group, topic } = ledgers;
    const { queueId } = ledger;
    const min = Math.min(below, store.maxOffset(topic, queueId));
    if (min <= ledger.committed) return;
    book.expire(ledger, min);
    log.add({ kind: 'expire', group, topic, queueId, min });
  }

  private async finishRange(queue: FinishedQueue, from: number, to: number): Promise<void> {
    const { book, store, timers } = this.parts;
    const end = Math.min(to, store.maxOffset(queue.topic, queue.queueId));
    let done = from;
    for (let scanned = 0; ;) {
      const found = this.find(queue);
      if (found === undefined) return;
      const { ledgers, ledger } = found;
      const known = Math.min(end, ledger.next);
      done = this.finishKnown(found, Math.max(done, ledger.committed), known);
      if (done < known) {
        await new Promise<void>((resolve) => timers.nextTurn(resolve));
        continue;
      }
      scanned = Math.max(scanned, ledger.next);
      if (scanned >= end || !book.hasRoom(ledger)) return;
      const last = Math.min(end, scanned + TURN_OFFSETS) - 1;
      const unseen = await this.unseen.between(ledgers, ledger.queueId, scanned, last);
      scanned = last + 1;
      const now = this.find(queue);
      if (now === undefined) return;
      // What is finished needs no row, but for the last one: the ledger ends behind it.
      const rows = unseen.filter(({ offset }, i) => offset < from || i === unseen.length - 1);
      this.unseen.takeIn(now.ledgers, now.ledger, rows);
    }
  }

  /** Finishes what the ledger has come to, some of it; answers where it goes on. */
  private finishKnown({ ledgers, ledger }: Found, from: number, known: number): number {
    const { group, topic } = ledgers;
    const { queueId } = ledger;
    const end = Math.min(known, from + TURN_OFFSETS);
    const offsets: number[] = [];
    for (let offset = from; offset < end; offset++) {
      if (ledger.row(offset) === undefined) continue;
      this.parts.book.finish(ledger, offset);
      offsets.push(offset);
    }
    if (offsets.length > 0) this.parts.log.add({ kind: 'ack', group, topic, queueId, offsets });
    return Math.max(from, end);
  }

  /** The ledger of the same generation. */
  private find({ group, topic, queueId, generation }: FinishedQueue): Found | undefined {
    const { book, store } = this.parts;
    const ledgers = book.find(group, topic);
    if (ledgers === undefined || store.maxOffset(topic, queueId) === 0) return undefined;
    const ledger = book.queue(ledgers, queueId);
    return ledger.generation === generation ? { ledgers, ledger } : undefined;
  }
}
