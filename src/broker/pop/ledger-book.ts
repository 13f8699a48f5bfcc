/**
 * All ledgers of a broker: for each consumer group and topic the ledgers of its queues, and the
 * rows of what is in flight. It knows no log and no polls; whoever changes it logs the change in
 * the same turn, so that replaying the log gives the same book.
 */
import { javaHashCode } from '../../message/java-hash';
import type { Platform } from '../../platform/platform';
import type { ClientTable } from './client-table';
import { InflightTable } from './inflight-table';
import type { SnapshotRow } from './ledger-ops';
import { QueueLedger } from './queue-ledger';
import { TimingWheel } from './timing-wheel';

/** A lease is extended while its client was heard from within this time... */
const HEARD_WITHIN_MS = 45_000;
/** ... to this long after it was heard from ... */
const LEASE_MS = 60_000;
/** ... at most so often: about three hours. */
const MAX_RENEWALS = 200;

/** The ledgers of one consumer group on one topic. */
export class GroupTopic {
  readonly queues = new Map<number, QueueLedger>();
  readonly groupHash: number;
  readonly topicHash: number;
  /** Where the next pop begins to look, so that no queue is preferred. */
  rotation = 0;
  /** Set when the group or the topic was deleted, or the group began anew. */
  dropped = false;

  constructor(
    readonly group: string,
    readonly topic: string,
    /** Raised by each reset; handles of an older one are void. */
    readonly generation: number,
  ) {
    this.groupHash = javaHashCode(group);
    this.topicHash = javaHashCode(topic);
  }
}

interface Holder {
  readonly client: number;
  readonly autoRenew: boolean;
}

export class LedgerBook {
  readonly rows: InflightTable;
  private readonly wheel: TimingWheel;
  private readonly groups = new Map<string, Map<string, GroupTopic>>();
  private readonly groupsByTopic = new Map<string, Set<string>>();
  private readonly byIndex: { readonly owner: GroupTopic; readonly ledger: QueueLedger }[] = [];
  private readonly freedIndexes: number[] = [];
  private readonly becameReady = new Set<GroupTopic>();

  /** @param onReady called with the groups and topics that have messages ready again */
  constructor(
    platform: Pick<Platform, 'clock' | 'timers'>,
    readonly clients: ClientTable,
    maxInflight: number,
    private readonly onReady: (ledgers: GroupTopic) => void,
  ) {
    this.rows = new InflightTable(maxInflight);
    this.wheel = new TimingWheel(
      this.rows,
      platform,
      (row) => this.due(row),
      () => this.announceReady(),
    );
  }

  find(group: string, topic: string): GroupTopic | undefined {
    return this.groups.get(group)?.get(topic);
  }

  *all(): IterableIterator<GroupTopic> {
    for (const topics of this.groups.values()) yield* topics.values();
  }

  *ofTopic(topic: string): IterableIterator<GroupTopic> {
    for (const group of this.groupsByTopic.get(topic) ?? []) {
      const ledgers = this.find(group, topic);
      if (ledgers !== undefined) yield ledgers;
    }
  }

  topicsOf(group: string): IterableIterator<GroupTopic> {
    return (this.groups.get(group) ?? new Map<string, GroupTopic>()).values();
  }

  /** Begins (anew) a group on a topic; queues that `offsets` does not name start at 0. */
  start(group: string, topic: string, generation: number, offsets: readonly number[]): GroupTopic {
    const before = this.find(group, topic);
    if (before !== undefined) this.drop(before);
    const ledgers = new GroupTopic(group, topic, generation);
    let topics = this.groups.get(group);
    if (topics === undefined) {
      topics = new Map();
      this.groups.set(group, topics);
    }
    topics.set(topic, ledgers);
    let groups = this.groupsByTopic.get(topic);
    if (groups === undefined) {
      groups = new Set();
      this.groupsByTopic.set(topic, groups);
    }
    groups.add(group);
    offsets.forEach((offset, queueId) => this.addQueue(ledgers, queueId, offset));
    return ledgers;
  }

  /** The ledger of a queue; one that is new since the group began starts at 0. */
  queue(ledgers: GroupTopic, queueId: number): QueueLedger {
    return ledgers.queues.get(queueId) ?? this.addQueue(ledgers, queueId, 0);
  }

  /** Replaces what is known of a queue, as a snapshot says it. */
  restoreQueue(
    ledgers: GroupTopic,
    queueId: number,
    committed: number,
    next: number,
    rows: readonly SnapshotRow[],
  ): void {
    const before = ledgers.queues.get(queueId);
    if (before !== undefined) this.dropQueue(before);
    const ledger = this.addQueue(ledgers, queueId, committed);
    const byOffset = new Map(rows.map((row) => [row.offset, row]));
    while (ledger.next < next) {
      const row = byOffset.get(ledger.next);
      if (row === undefined) ledger.skipNext();
      else this.restoreRow(ledger, row);
    }
  }

  /** Delivers the ledger's `next` for the first time. */
  deliverNext(ledger: QueueLedger, holder: Holder, nonce: number, invisibleMs: number): void {
    const offset = ledger.next;
    const row = this.rows.allocate(ledger.index, offset, 1, nonce, ownerOf(holder));
    this.clients.hold(holder.client, 1);
    ledger.takeNext(row);
    this.wheel.link(row, invisibleMs);
  }

  /** Delivers a message once more; answers the number of the attempt. */
  redeliver(row: number, holder: Holder, nonce: number, invisibleMs: number): number {
    const { rows } = this;
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
    this.rows.nonce[row] = nonce;
    this.rows.attempt[row] = attempt;
    this.reschedule(row, delayMs);
  }

  /** Makes a message ready after `delayMs`, its delivery not counted as an attempt. */
  release(row: number, delayMs: number): void {
    this.rows.attempt[row] = Math.max(0, (this.rows.attempt[row] ?? 1) - 1);
    this.reschedule(row, delayMs);
  }

  finish(ledger: QueueLedger, offset: number): void {
    const row = ledger.row(offset);
    if (row === undefined) return;
    ledger.finish(offset);
    this.freeRow(row);
  }

  /** Whether a row is held by a consumer, not ready again. */
  inFlight(row: number): boolean {
    return this.rows.prev[row] !== -1;
  }

  remainingMs(row: number): number {
    return this.inFlight(row) ? this.wheel.remainingMs(row) : 0;
  }

  holder(row: number): Holder {
    const owner = this.rows.owner[row] ?? 0;
    return { client: owner >> 1, autoRenew: (owner & 1) === 1 };
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
    this.groups.delete(group);
  }

  dropTopic(topic: string): void {
    for (const ledgers of [...this.ofTopic(topic)]) this.drop(ledgers);
    this.groupsByTopic.delete(topic);
  }

  close(): void {
    this.wheel.close();
  }

  private reschedule(row: number, delayMs: number): void {
    this.rows.owner[row] = (this.rows.owner[row] ?? 0) & ~1;
    this.wheel.unlink(row);
    this.wheel.link(row, delayMs);
  }

  private drop(ledgers: GroupTopic): void {
    for (const ledger of ledgers.queues.values()) this.dropQueue(ledger);
    ledgers.queues.clear();
    ledgers.dropped = true;
    this.becameReady.delete(ledgers);
    this.groups.get(ledgers.group)?.delete(ledgers.topic);
    this.groupsByTopic.get(ledgers.topic)?.delete(ledgers.group);
  }

  private dropQueue(ledger: QueueLedger): void {
    ledger.forEachRow((_offset, row) => this.freeRow(row));
    this.freedIndexes.push(ledger.index);
  }

  private addQueue(owner: GroupTopic, queueId: number, start: number): QueueLedger {
    const index = this.freedIndexes.pop() ?? this.byIndex.length;
    const ledger = new QueueLedger(index, queueId, start);
    this.byIndex[index] = { owner, ledger };
    owner.queues.set(queueId, ledger);
    return ledger;
  }

  private restoreRow(ledger: QueueLedger, from: SnapshotRow): void {
    const client = this.clients.heard(from.client);
    const owner = ownerOf({ client, autoRenew: from.autoRenew });
    const row = this.rows.allocate(ledger.index, from.offset, from.attempt, from.nonce, owner);
    this.clients.hold(client, 1);
    ledger.takeNext(row);
    this.wheel.link(row, from.remainingMs);
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
    if (autoRenew && renewals < MAX_RENEWALS) {
      const silentMs = this.clients.silentMs(client);
      if (silentMs <= HEARD_WITHIN_MS) {
        this.rows.renewals[row] = renewals + 1;
        this.wheel.link(row, LEASE_MS - silentMs);
        return;
      }
    }
    const entry = this.byIndex[this.rows.queue[row] ?? -1];
    if (entry === undefined) return;
    entry.ledger.ready.push(this.rows.offset[row] ?? 0);
    this.becameReady.add(entry.owner);
  }

  private announceReady(): void {
    const ready = [...this.becameReady];
    this.becameReady.clear();
    for (const ledgers of ready) this.onReady(ledgers);
  }
}

function ownerOf(holder: Holder): number {
  return (holder.client << 1) | (holder.autoRenew ? 1 : 0);
}
