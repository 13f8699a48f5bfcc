/**
 * Moving a consumer group on a topic: each queue's ledger begins anew at another offset, with a higher
 * generation, so that the handles of what was in flight are void. The log holds that as the state of a queue.
 */
import type { QueueReset, ResetRequest, ResetTarget } from '../../api/offset-api';
import { Code, StatusError } from '../../message/status';
import type { MessageStore } from '../../store/message-store';
import type { GroupTopic } from '../pop/group-topic';
import type { LedgerBook } from '../pop/ledger-book';
import type { LedgerLog } from '../pop/ledger-log';
import type { QueueLedger } from '../pop/queue-ledger';

export interface ResetParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly brokerName: string;
  /** A group's ledgers have messages to look at. */
  readonly becameReady: (ledgers: GroupTopic) => void;
}

export class Resets {
  constructor(private readonly parts: ResetParts) {}

  /**
   * Moves some queues, all in one turn.
   * @throws StatusError ILLEGAL_OFFSET; OFFSET_NOT_FOUND when the group has gone meanwhile
   */
  async reset(
    ledgers: GroupTopic,
    queueIds: readonly number[],
    { to, dryRun }: Pick<ResetRequest, 'to' | 'dryRun'>,
  ): Promise<readonly QueueReset[]> {
    const targets: number[] = [];
    for (const queueId of queueIds) targets.push(await this.target(ledgers.topic, queueId, to));
    if (ledgers.dropped) {
      const { group, topic } = ledgers;
      throw new StatusError(Code.OFFSET_NOT_FOUND, `group ${group} has left topic ${topic}`);
    }
    // From here on in one turn.
    const resets = queueIds.map((queueId, i) => this.preview(ledgers, queueId, targets[i] ?? 0));
    if (dryRun) return resets;
    for (const { queueId, to: offset } of resets) this.move(ledgers, queueId, offset);
    await this.parts.log.synced();
    this.parts.becameReady(ledgers);
    return resets;
  }

  /** Begins a queue anew, noted for the log. */
  move(ledgers: GroupTopic, queueId: number, offset: number): void {
    const { book, log } = this.parts;
    const { group, topic, generation } = ledgers;
    const resets = book.queue(ledgers, queueId).generation - generation + 1;
    book.restoreQueue(ledgers, queueId, offset, offset, [], resets);
    log.add({
      kind: 'queue',
      ...{ group, topic, queueId, generation, resets },
      ...{ committed: offset, next: offset, more: false, rows: [] },
    });
  }

  /** Where a queue goes: an offset that it has, or will have next. */
  private async target(topic: string, queueId: number, to: ResetTarget): Promise<number> {
    const { store } = this.parts;
    const min = store.minOffset(topic, queueId);
    const max = store.maxOffset(topic, queueId);
    switch (to.at) {
      case 'beginning':
        return min;
      case 'end':
        return max;
      case 'time':
        return Math.max(min, await store.finder.offsetByTime(topic, queueId, to.timeMs, 'lower'));
      case 'offset':
        if (to.offset >= min && to.offset <= max) return to.offset;
        throw new StatusError(
          Code.ILLEGAL_OFFSET,
          `offset ${to.offset} is not in ${min} .. ${max} of queue ${queueId} of topic ${topic}`,
        );
    }
  }

  private preview(ledgers: GroupTopic, queueId: number, to: number): QueueReset {
    const { store, book, brokerName } = this.parts;
    const ledger = book.queue(ledgers, queueId);
    const min = store.minOffset(ledgers.topic, queueId);
    const { committed, next } = ledger;
    const rows = this.count(ledger, to);
    return {
      broker: brokerName,
      ...{ queueId, from: committed, to },
      again: Math.max(0, next - Math.max(to, min)) - rows.untouchedAbove,
      skipped: rows.below + Math.max(0, to - Math.max(next, min)),
      cancelled: rows.inFlight,
    };
  }

  /** Unfinished messages: those below an offset, those above it that nobody has had, and those in flight. */
  private count(
    ledger: QueueLedger,
    to: number,
  ): { below: number; untouchedAbove: number; inFlight: number } {
    const { book } = this.parts;
    const counts = { below: 0, untouchedAbove: 0, inFlight: 0 };
    ledger.forEachRow((offset, row) => {
      if (offset < to) counts.below++;
      else if (book.isUntouched(row)) counts.untouchedAbove++;
      if (book.inFlight(row)) counts.inFlight++;
    });
    return counts;
  }
}
