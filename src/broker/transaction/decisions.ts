/**
 * How transactions ended: the newest from memory, for an hour; older ones through the store's index of
 * messages, which finds their op records.
 */
import { OP_TOPIC } from '../../message/names';
import { OldestFirst } from '../../message/oldest-first';
import { readRecord } from '../../message/record';
import { readOp, type TransactionDecision } from '../../message/transaction-records';
import type { Clock } from '../../platform/platform';
import type { MessageFinder } from '../../store/message-store';
import { Code, StatusError } from '../../message/status';
import { keyOf } from './pending';

/** Decisions in memory, at most; older ones are looked up. */
const MAX_KEPT = 200_000;
const KEPT_MS = 3_600_000;
/** Op records of one id, on whatever topics. */
const MAX_FOUND = 64;

/** A transaction that has ended. */
export interface Ended {
  readonly decision: TransactionDecision;
  /** Where its half message was stored; -1 when that is not known any more. */
  readonly queueOffset: number;
  readonly physicalOffset: number;
  /** Behind the record of the decision: what to wait for. */
  readonly endOffset: number;
}

interface Kept extends Ended {
  readonly atMs: number;
}

export class Decisions {
  private readonly kept = new OldestFirst<string, Kept>();

  constructor(
    private readonly finder: MessageFinder,
    private readonly clock: Clock,
  ) {}

  add(topic: string, id: string, ended: Ended): void {
    const atMs = this.clock.monotonicMs();
    this.kept.set(keyOf(topic, id), { ...ended, atMs });
    for (let key = this.kept.oldest; key !== undefined; key = this.kept.oldest) {
      const isOver = atMs - (this.kept.get(key)?.atMs ?? 0) >= KEPT_MS;
      if (!isOver && this.kept.size <= MAX_KEPT) break;
      this.kept.delete(key);
    }
  }

  /** Of the newest only. */
  recent(topic: string, id: string): Ended | undefined {
    return this.kept.get(keyOf(topic, id));
  }

  /**
   * How a transaction ended, `undefined` when it is not known to have: it never was, or retention has removed it.
   * @throws as `MessageFinder.find`
   */
  async find(topic: string, id: string): Promise<TransactionDecision | undefined> {
    const recent = this.recent(topic, id);
    if (recent !== undefined) return recent.decision;
    const records = await this.opsOf(id);
    // The first one in the log is the one that counts.
    for (const bytes of records.toReversed()) {
      const op = readOp(readRecord(bytes, 0));
      if (op?.topic === topic && op.id === id) return op.decision;
    }
    return undefined;
  }

  private async opsOf(id: string): Promise<readonly Buffer[]> {
    try {
      const { records } = await this.finder.find({
        ...{ topics: [OP_TOPIC], key: id, by: 'id' },
        ...{ maxMessages: MAX_FOUND, beginMs: 0, endMs: Number.MAX_SAFE_INTEGER },
      });
      return records;
    } catch (error) {
      // Without an index only memory knows.
      if (error instanceof StatusError && error.code === Code.UNSUPPORTED) return [];
      throw error;
    }
  }
}
