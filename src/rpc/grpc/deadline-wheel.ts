/**
 * When calls run out of time. A timer a call would cost more than a short call; here a call is linked into the slot
 * of its deadline and unlinked when it ends.
 *
 *     slots of 16 ms    | 0 | 1 | 2 | ... | 511 |      a round is 8.2 s
 *                             ^ reached      later rounds stay in their slot and are passed over
 *
 * One timer runs while deadlines are near: it is set for the next slot that holds anything, so that calls
 * with far deadlines cost a look every round.
 */
import type { Clock, TimerHandle, Timers } from '../../platform/platform';

const SLOT_MS = 16;
const SLOTS = 512;
const ROUND_MS = SLOT_MS * SLOTS;

/** What has a deadline. The wheel links it through its own fields. */
export interface Expiring {
  /** Monotonic, ms; Infinity for none. */
  readonly deadlineMs: number;
  nextExpiring: Expiring | undefined;
  previousExpiring: Expiring | undefined;
  expiringSlot: number;
  /** The time is over, by at most a few slots. */
  onDeadline(): void;
}

/** `expiringSlot` of what is in no wheel. */
export const NO_SLOT = -1;

export class DeadlineWheel {
  private readonly slots: (Expiring | undefined)[] = new Array<undefined>(SLOTS);
  private count = 0;
  private timer: TimerHandle | undefined;
  /** The slot number (counted on, not wrapped) that the timer is set for. */
  private wakeSlot = Infinity;
  /** Slots up to this one, not wrapped, were looked at. */
  private reached = 0;

  constructor(
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {}

  add(item: Expiring): void {
    if (item.deadlineMs === Infinity) return;
    if (this.count++ === 0) this.reached = Math.floor(this.clock.monotonicMs() / SLOT_MS);
    // A slot is looked at when all of it has passed.
    const due = Math.max(Math.floor(item.deadlineMs / SLOT_MS) + 1, this.reached + 1);
    const slot = due % SLOTS;
    const next = this.slots[slot];
    item.expiringSlot = slot;
    item.nextExpiring = next;
    if (next !== undefined) next.previousExpiring = item;
    this.slots[slot] = item;
    if (due < this.wakeSlot) this.wakeAt(due);
  }

  remove(item: Expiring): void {
    const slot = item.expiringSlot;
    if (slot === NO_SLOT) return;
    const { nextExpiring: next, previousExpiring: previous } = item;
    if (next !== undefined) next.previousExpiring = previous;
    if (previous !== undefined) previous.nextExpiring = next;
    else this.slots[slot] = next;
    item.nextExpiring = undefined;
    item.previousExpiring = undefined;
    item.expiringSlot = NO_SLOT;
    this.count--;
  }

  private wakeAt(slot: number): void {
    const nowMs = this.clock.monotonicMs();
    this.timer?.cancel();
    this.wakeSlot = slot;
    const delayMs = Math.min(slot * SLOT_MS - nowMs, ROUND_MS);
    this.timer = this.timers.after(Math.max(0, Math.ceil(delayMs)), this.wake);
  }

  private readonly wake = (): void => {
    this.wakeSlot = Infinity;
    const nowMs = this.clock.monotonicMs();
    const until = Math.floor(nowMs / SLOT_MS);
    // After a long pause every slot is due once.
    const from = Math.max(this.reached + 1, until - SLOTS + 1);
    this.reached = until;
    for (let slot = from; slot <= until; slot++) this.expire(slot % SLOTS, nowMs);
    if (this.count > 0 && this.wakeSlot === Infinity) this.wakeAt(this.nextHeld());
  };

  private expire(slot: number, nowMs: number): void {
    let due: Expiring[] | undefined;
    for (let item = this.slots[slot]; item !== undefined; item = item.nextExpiring) {
      if (item.deadlineMs <= nowMs) (due ??= []).push(item);
    }
    for (const item of due ?? []) {
      if (item.expiringSlot === NO_SLOT) continue; // ended by what another one did
      this.remove(item);
      item.onDeadline();
    }
  }

  /** The next slot, not wrapped, that holds anything. */
  private nextHeld(): number {
    for (let slot = this.reached + 1; slot <= this.reached + SLOTS; slot++) {
      if (this.slots[slot % SLOTS] !== undefined) return slot;
    }
    return this.reached + SLOTS;
  }
}
