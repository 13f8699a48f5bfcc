// long: every change of a row, each keeping row, wheel, ledger and message group in step.
/**
 * All ledgers of a broker: for each consumer group and topic the ledgers of its queues, and the
 * rows of what is in flight. It knows no log and no polls; whoever changes it logs the change in
 * the same turn, so that replaying the log gives the same book.
 */
import type { Platform } from '../../platform/platform';
import { Attempts, type AttemptDelivery } from './attempts';
import type { ClientTable } from './client-table';
import { GroupTopic, GroupTopics } from './group-topic';
import { holderOf, ownerOf, renewedLeaseMs, type Holder } from './holder';
import { InflightBounds, type InflightLimits } from './inflight-bounds';
import { GIVEN_BACK, InflightTable, NO_OWNER } from './inflight-table';
import { type AgedRows, remainingOf, type SnapshotRow } from './ledger-ops';
import { NO_GROUP, type MessageGroup } from './message-groups';
import { RecentDeadLetters } from './recent-dead-letters';
import { QueueLedger } from './queue-ledger';
import { TICK_MS, TimingWheel } from './timing-wheel';

/** How long a message whose last attempt is over waits to be moved, until it is looked at again. */
const EXHAUSTED_AGAIN_MS = 30_000;

export interface HeldDelivery {
  readonly ledger: QueueLedger;
  readonly row: number;
}

/** What the book asks and tells its broker. */
export interface LedgerEvents {
  /** A group and topic has messages ready again. */
  ready: (ledgers: GroupTopic) => void;
  /** Deliveries of a message before the dead letter queue. */
  maxAttempts: (group: string) => number;
  /** A message's last attempt is over without an acknowledgement. */
  exhausted: (ledgers: GroupTopic, ledger: QueueLedger, offset: number, nonce: number) => void;
}

export class LedgerBook extends GroupTopics {
  readonly rows: InflightTable;
  /** What receives were given, by attempt id. */
  readonly attempts = new Attempts();
  /** What was moved to dead letter queues. */
  readonly deadLetters = new RecentDeadLetters();
  private readonly bounds: InflightBounds;
  private readonly wheel: TimingWheel;
  private readonly byIndex: { readonly owner: GroupTopic; readonly ledger: QueueLedger }[] = [];
  private readonly freedIndexes: number[] = [];
  private readonly becameReady = new Set<GroupTopic>();
  private announcing = false;

  constructor(
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    readonly clients: ClientTable,
    limits: InflightLimits,
    private readonly events: LedgerEvents,
  ) {
    super();
    this.rows = new InflightTable(limits.maxInflight, (queue, change) => this.count(queue, change));
    this.bounds = new InflightBounds(limits, this.rows, platform.timers, (ledgers) =>
      events.ready(ledgers),
    );
    this.wheel = new TimingWheel(
      this.rows,
      platform,
      (row) => this.due(row),
      () => this.announceReady(),
    );
  }

  /** Begins (anew) a group on a topic; queues that `offsets` does not name start at 0. */
  start(group: string, topic: string, generation: number, offsets: readonly number[]): GroupTopic {
    const before = this.find(group, topic);
    if (before !== undefined) this.drop(before);
    const ledgers = new GroupTopic(group, topic, generation, this.loadOf(group));
    this.put(ledgers);
    offsets.forEach((offset, queueId) => this.addQueue(ledgers, queueId, offset));
    return ledgers;
  }

  /** The ledger of a queue; one that is new since the group began starts at 0. */
  queue(ledgers: GroupTopic, queueId: number): QueueLedger {
    return ledgers.queues.get(queueId) ?? this.addQueue(ledgers, queueId, 0);
  }

  /**
   * Replaces what is known of a queue, as a snapshot or a reset says it.
   * @param parts its rows, all in ascending order of offsets
   * @param resets of the queue so far
   */
  restoreQueue(
    ledgers: GroupTopic,
    queueId: number,
    committed: number,
    next: number,
    parts: readonly AgedRows[],
    resets = 0,
  ): void {
    const before = ledgers.queues.get(queueId);
    if (before !== undefined) this.dropQueue(before);
    const ledger = this.addQueue(ledgers, queueId, committed, resets);
    for (const { rows, ageMs } of parts) {
      for (const row of rows) {
        if (row.offset < ledger.next || row.offset >= next) continue;
        ledger.skipTo(row.offset);
        if (row.attempt === 0 && row.client === '') this.addNext(ledger, row.group);
        else this.restoreRow(ledger, row, remainingOf(row.remainingMs, ageMs));
      }
    }
    ledger.skipTo(next);
  }

  /** Whether a queue may give one more new message. */
  hasRoom(ledger: QueueLedger): boolean {
    const entry = this.byIndex[ledger.index];
    return entry?.ledger === ledger && this.bounds.hasRoom(entry.owner, ledger);
  }

  /** Delivers the ledger's `next` for the first time. */
  deliverNext(ledger: QueueLedger, holder: Holder, nonce: number, invisibleMs: number): void {
    const offset = ledger.next;
    const row = this.rows.allocate(ledger.index, offset, 1, nonce, ownerOf(holder));
    this.clients.hold(holder.client, 1);
    ledger.takeNext(row);
    this.wheel.link(row, invisibleMs);
  }

  /**
   * Takes the ledger's `next` in without delivering it: it has its turn in its message group.
   * @param group hash of the message group, `NO_GROUP` for none
   * @returns its row, ready when nothing of its group is unfinished
   */
  addNext(ledger: QueueLedger, group: number): number {
    const offset = ledger.next;
    const row = this.rows.allocate(ledger.index, offset, 0, 0, NO_OWNER);
    ledger.takeNext(row);
    if (group === NO_GROUP) {
      ledger.ready.push(offset);
      return row;
    }
    this.rows.setGroup(row, group);
    if (ledger.messageGroups.add(group, offset).head === offset) ledger.ready.push(offset);
    return row;
  }

  /** The next message that is ready and whose turn it is; what is not is taken off the heap. */
  nextReady(ledger: QueueLedger): { readonly offset: number; readonly row: number } | undefined {
    for (let offset = ledger.ready.peek(); offset !== undefined; offset = ledger.ready.peek()) {
      const row = ledger.row(offset);
      if (row !== undefined && !this.inFlight(row)) {
        const group = this.groupOf(ledger, row);
        const inTurn = group === undefined || group.head === offset;
        // A maximum that was lowered counts for messages that are ready, too.
        if (inTurn && !this.exhaust(ledger, row)) return { offset, row };
      }
      ledger.ready.pop();
    }
    return undefined;
  }

  /** The message group of a row, where its order is kept. */
  groupOf(ledger: QueueLedger, row: number): MessageGroup | undefined {
    const hash = this.rows.groupOf(row);
    return hash === NO_GROUP ? undefined : ledger.messageGroups.get(hash);
  }

  /** Delivers a message once more; answers the number of the attempt. */
  redeliver(row: number, holder: Holder, nonce: number, invisibleMs: number): number {
    const { rows } = this;
    this.holdInGroup(row);
    this.clients.hold((rows.owner[row] ?? 0) >> 1, -1);
    this.clients.hold(holder.client, 1);
    const attempt = Math.min((rows.attempt[row] ?? 0) + 1, 0xffff);
    rows.attempt[row] = attempt;
    rows.nonce[row] = nonce;
    rows.owner[row] = ownerOf(holder);
    rows.renewals[row] = 0;
    this.wheel.unlink(row);
    this.wheel.link(row, invisibleMs);
    return attempt;
  }

  /** Gives an unfinished message a new handle and sets when it comes again; ends its renewal. */
  change(row: number, nonce: number, attempt: number, delayMs: number): void {
    const { rows } = this;
    if (attempt < (rows.attempt[row] ?? 0)) rows.renewals[row] = GIVEN_BACK;
    rows.nonce[row] = nonce;
    rows.attempt[row] = attempt;
    this.reschedule(row, delayMs);
  }

  /** Attempts of a message when its delivery is not to count: one less, however often that is asked. */
  uncounted(row: number): number {
    const attempt = this.rows.attempt[row] ?? 1;
    return this.isGivenBack(row) ? attempt : Math.max(0, attempt - 1);
  }

  /** Whether nobody has had a row's message, as far as the log tells. */
  isUntouched(row: number): boolean {
    return this.rows.owner[row] === NO_OWNER;
  }

  /** Whether a message's delivery was taken off its attempts. */
  isGivenBack(row: number): boolean {
    return this.rows.renewals[row] === GIVEN_BACK;
  }

  /** Makes a message ready after `delayMs`, its delivery not counted as an attempt. */
  release(row: number, delayMs: number): void {
    this.rows.attempt[row] = this.uncounted(row);
    this.rows.renewals[row] = GIVEN_BACK;
    this.reschedule(row, delayMs);
  }

  finish(ledger: QueueLedger, offset: number): void {
    const row = ledger.row(offset);
    if (row === undefined) return;
    ledger.finish(offset);
    const hash = this.rows.groupOf(row);
    const held = this.inFlight(row);
    this.freeRow(row);
    if (hash === NO_GROUP) return;
    const group = ledger.messageGroups.get(hash);
    if (held) ledger.messageGroups.hold(hash, -1);
    ledger.messageGroups.finish(hash, offset);
    if (group?.head !== undefined) this.groupGoesOn(ledger, group.head);
    else if (this.byIndex[ledger.index]?.owner.gated === true) this.tellSoon(ledger);
  }

  /**
   * Finishes all offsets below `min`: their messages are going to be removed.
   * @returns how many of them nobody has had, and how many somebody has had and not finished
   */
  expire(ledger: QueueLedger, min: number): { undelivered: number; delivered: number } {
    const unfinished: number[] = [];
    ledger.forEachRow((offset) => {
      if (offset < min) unfinished.push(offset);
    });
    let undelivered = Math.max(0, min - ledger.next);
    let delivered = 0;
    for (const offset of unfinished) {
      if (this.rows.attempt[ledger.row(offset) ?? -1] === 0) undelivered++;
      else delivered++;
      this.finish(ledger, offset);
    }
    ledger.skipTo(min);
    return { undelivered, delivered };
  }

  /**
   * The row of a delivery that still is as it was made, held by its consumer. One whose time is over, or will be at the
   * next look, is not: others of its message group may be at another consumer in a moment.
   */
  heldBy(ledgers: GroupTopic, delivery: AttemptDelivery): HeldDelivery | undefined {
    const ledger = ledgers.queues.get(delivery.queueId);
    const row = ledger?.row(delivery.offset);
    if (ledger === undefined || row === undefined || this.remainingMs(row) <= TICK_MS)
      return undefined;
    const same =
      this.rows.nonce[row] === delivery.nonce && this.rows.attempt[row] === delivery.attempt;
    return same ? { ledger, row } : undefined;
  }

  /** Whether a row is held by a consumer, not ready again. */
  inFlight(row: number): boolean {
    return this.rows.prev[row] !== -1;
  }

  remainingMs(row: number): number {
    return this.inFlight(row) ? this.wheel.remainingMs(row) : 0;
  }

  holder(row: number): Holder {
    return holderOf(this.rows.owner[row] ?? 0);
  }

  /** Calls `visit` with each message that a client holds. */
  forEachHeld(
    client: number,
    visit: (held: GroupTopic, ledger: QueueLedger, row: number) => void,
  ): void {
    if (this.clients.held(client) === 0) return;
    for (let row = 0; row < this.rows.rowLimit; row++) {
      if (!this.rows.isLive(row) || (this.rows.owner[row] ?? 0) >> 1 !== client) continue;
      const entry = this.byIndex[this.rows.queue[row] ?? -1];
      if (entry !== undefined && this.inFlight(row)) visit(entry.owner, entry.ledger, row);
    }
  }

  dropGroup(group: string): void {
    for (const ledgers of [...this.topicsOf(group)]) this.drop(ledgers);
  }

  dropTopic(topic: string): void {
    for (const ledgers of [...this.ofTopic(topic)]) this.drop(ledgers);
  }

  /** Forgets a group on a topic. */
  drop(ledgers: GroupTopic): void {
    for (const ledger of ledgers.queues.values()) this.dropQueue(ledger);
    ledgers.queues.clear();
    ledgers.dropped = true;
    this.becameReady.delete(ledgers);
    this.bounds.forget(ledgers);
    this.deadLetters.forget(ledgers.group, ledgers.topic);
    this.remove(ledgers);
  }

  /** Drops a queue's ledgers of all groups. */
  forgetQueue(topic: string, queueId: number): void {
    for (const ledgers of this.ofTopic(topic)) {
      const ledger = ledgers.queues.get(queueId);
      if (ledger === undefined) continue;
      this.dropQueue(ledger);
      ledgers.queues.delete(queueId);
    }
  }

  close(): void {
    this.wheel.close();
  }

  private reschedule(row: number, delayMs: number): void {
    this.holdInGroup(row);
    this.rows.owner[row] = (this.rows.owner[row] ?? 0) & ~1;
    this.wheel.unlink(row);
    this.wheel.link(row, delayMs);
  }

  private dropQueue(ledger: QueueLedger): void {
    ledger.forEachRow((_offset, row) => this.freeRow(row));
    ledger.clear();
    this.freedIndexes.push(ledger.index);
  }

  private addQueue(owner: GroupTopic, queueId: number, start: number, resets = 0): QueueLedger {
    const index = this.freedIndexes.pop() ?? this.byIndex.length;
    const ledger = new QueueLedger(index, queueId, owner.generation + resets, start);
    this.byIndex[index] = { owner, ledger };
    owner.queues.set(queueId, ledger);
    return ledger;
  }

  private restoreRow(ledger: QueueLedger, from: SnapshotRow, remainingMs: number): void {
    const client = this.clients.heard(from.client);
    const owner = ownerOf({ client, autoRenew: from.autoRenew });
    const row = this.rows.allocate(ledger.index, from.offset, from.attempt, from.nonce, owner);
    if (from.givenBack) this.rows.renewals[row] = GIVEN_BACK;
    this.clients.hold(client, 1);
    ledger.takeNext(row);
    if (from.group !== NO_GROUP) {
      this.rows.setGroup(row, from.group);
      ledger.messageGroups.add(from.group, from.offset);
      this.holdInGroup(row);
    }
    this.wheel.link(row, remainingMs);
  }

  /** Holds a message whose last attempt is over, to be moved to the dead letter queue. */
  private exhaust(ledger: QueueLedger, row: number): boolean {
    const owner = this.byIndex[ledger.index]?.owner;
    const attempt = this.rows.attempt[row] ?? 0;
    if (owner === undefined || attempt < this.events.maxAttempts(owner.group)) return false;
    this.reschedule(row, EXHAUSTED_AGAIN_MS);
    const { offset, nonce } = this.rows;
    this.events.exhausted(owner, ledger, offset[row] ?? 0, nonce[row] ?? 0);
    return true;
  }

  /** Counts a row that is about to be held in its message group; call before it is linked. */
  private holdInGroup(row: number): void {
    const hash = this.rows.groupOf(row);
    if (hash === NO_GROUP || this.inFlight(row)) return;
    this.byIndex[this.rows.queue[row] ?? -1]?.ledger.messageGroups.hold(hash, 1);
  }

  /** A message group is free again: its first message is ready, and whoever waits is told soon. */
  private groupGoesOn(ledger: QueueLedger, head: number): void {
    ledger.ready.push(head);
    this.tellSoon(ledger);
  }

  private tellSoon(ledger: QueueLedger): void {
    const entry = this.byIndex[ledger.index];
    if (entry?.ledger !== ledger) return;
    this.becameReady.add(entry.owner);
    if (this.announcing) return;
    this.announcing = true;
    // Not now: the change that freed the group is not in the log yet.
    this.platform.timers.nextTurn(() => {
      this.announcing = false;
      this.announceReady();
    });
  }

  private count(queue: number, change: 1 | -1): void {
    const entry = this.byIndex[queue];
    if (entry === undefined) return;
    entry.ledger.unfinished += change;
    entry.owner.load.unfinished += change;
    if (change < 0) this.bounds.freed();
  }

  private freeRow(row: number): void {
    this.wheel.unlink(row);
    this.clients.hold((this.rows.owner[row] ?? 0) >> 1, -1);
    this.rows.free(row);
  }

  /** A message's invisible time is over: extend the lease of a client that lives, else it is ready. */
  private due(row: number): void {
    const { client, autoRenew } = this.holder(row);
    const renewals = this.rows.renewals[row] ?? 0;
    const leaseMs = autoRenew ? renewedLeaseMs(renewals, this.clients.silentMs(client)) : 0;
    if (leaseMs > 0) {
      this.rows.renewals[row] = renewals + 1;
      this.wheel.link(row, leaseMs);
      return;
    }
    const entry = this.byIndex[this.rows.queue[row] ?? -1];
    if (entry === undefined) return;
    const { ledger } = entry;
    const hash = this.rows.groupOf(row);
    if (hash !== NO_GROUP) ledger.messageGroups.hold(hash, -1);
    if (this.exhaust(ledger, row)) return;
    const group = this.groupOf(ledger, row);
    const ready = group === undefined ? this.rows.offset[row] : group.head;
    if (ready === undefined) return;
    ledger.ready.push(ready);
    this.becameReady.add(entry.owner);
  }

  private announceReady(): void {
    const ready = [...this.becameReady];
    this.becameReady.clear();
    for (const ledgers of ready) this.events.ready(ledgers);
  }
}
