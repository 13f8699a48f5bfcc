/**
 * How many messages may be unfinished at a time: on the broker, of a consumer group, of a queue. Where
 * a bound is reached, pops give nothing new; whoever waits is looked at again when there is room.
 */
import type { Timers } from '../../platform/platform';
import type { GroupTopic } from './group-topic';
import type { InflightTable } from './inflight-table';
import type { QueueLedger } from './queue-ledger';

export interface InflightLimits {
  readonly maxInflight: number;
  readonly maxInflightPerGroup: number;
  readonly maxInflightPerQueue: number;
  readonly maxWindow: number;
}

/** Room that becomes free within this time wakes those who wait for it once. */
const WAKE_MS = 10;

export class InflightBounds {
  /** Groups and topics that found no room. */
  private readonly waiting = new Map<GroupTopic, Set<QueueLedger>>();
  private waking = false;

  constructor(
    private readonly limits: InflightLimits,
    private readonly rows: InflightTable,
    private readonly timers: Timers,
    private readonly wake: (ledgers: GroupTopic) => void,
  ) {}

  /** Whether a queue may give one more new message; one that may not waits for room from now on. */
  hasRoom(ledgers: GroupTopic, ledger: QueueLedger): boolean {
    if (this.isFree(ledgers, ledger)) return true;
    const queues = this.waiting.get(ledgers) ?? new Set();
    queues.add(ledger);
    this.waiting.set(ledgers, queues);
    return false;
  }

  /** A message was finished. Hot path. */
  freed(): void {
    if (this.waiting.size === 0 || this.waking) return;
    this.waking = true;
    this.timers.after(WAKE_MS, () => {
      this.waking = false;
      this.wakeAll();
    });
  }

  /** A group or topic is gone. */
  forget(ledgers: GroupTopic): void {
    this.waiting.delete(ledgers);
  }

  private wakeAll(): void {
    for (const [ledgers, queues] of [...this.waiting]) {
      if (![...queues].some((ledger) => this.isFree(ledgers, ledger))) continue;
      this.waiting.delete(ledgers);
      this.wake(ledgers);
    }
  }

  private isFree({ load }: GroupTopic, ledger: QueueLedger): boolean {
    const { maxInflightPerGroup, maxInflightPerQueue, maxWindow } = this.limits;
    return (
      !this.rows.full &&
      load.unfinished < maxInflightPerGroup &&
      ledger.unfinished < maxInflightPerQueue &&
      ledger.next - ledger.committed < maxWindow
    );
  }
}
