/**
 * Lite topics: thousands of small topics under a parent, each consumed in order by the clients that ask for it.
 * docs/decisions/0014-lite-topics.md says how they lie in the store and the ledgers.
 */
import type { LiteStart, SyncLiteRequest } from '../../api/lite-api';
import { Code, StatusError } from '../../message/status';
import type { Platform, TimerHandle } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import { noTopic } from '../config-checks';
import type { Metadata } from '../metadata';
import { Resets } from '../offsets/resets';
import type { GroupTopic } from '../pop/group-topic';
import type { LedgerBook } from '../pop/ledger-book';
import type { LedgerLog } from '../pop/ledger-log';
import type { BrokerSettings } from '../settings';
import { type LiteClient, LiteSubscriptions } from './lite-subscriptions';
import { checkLiteSubscriptions, checkLiteTopics } from './lite-quotas';
import { offsetOf } from './lite-start';
import type { LiteRow } from './lite-table';

/** Lite topics removed in one turn. */
const REMOVED_A_TURN = 1000;
/** Idle ones and silent clients are looked for at least this often, milliseconds. */
const MOST_CHECK_MS = 60_000;
const LEAST_CHECK_MS = 1000;

export interface LiteParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly metadata: Metadata;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly settings: BrokerSettings;
  /** A group's ledgers have messages to look at. */
  readonly becameReady: (ledgers: GroupTopic) => void;
}

export class LiteTopics {
  private readonly subscriptions = new LiteSubscriptions();
  private readonly resets: Resets;
  private timer: TimerHandle | undefined;
  private closed = false;

  constructor(private readonly parts: LiteParts) {
    const { brokerName } = parts.settings;
    this.resets = new Resets({ ...parts, brokerName });
    parts.store.onArrival((topic, queueId) => this.subscriptions.arrived(topic, queueId));
    this.arm();
  }

  /**
   * The queue of the lite topic that a message belongs to, made with its first message. Hot path.
   * @throws StatusError LITE_TOPIC_QUOTA_EXCEEDED; MESSAGE_PROPERTY_CONFLICT_WITH_TYPE without a lite topic
   */
  queueFor(topic: string, liteTopic: string | undefined): number {
    if (liteTopic === undefined) {
      throw new StatusError(
        Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE,
        `topic ${topic} takes messages of lite topics, this one has none`,
      );
    }
    const table = this.parts.metadata.liteTable(topic);
    const known = table.queueOf(liteTopic);
    if (known === undefined) return this.make(topic, [liteTopic])[0]?.queueId ?? -1;
    table.used(known, this.now());
    return known;
  }

  /** Queues of a parent topic that may have something for a client. Hot path. */
  queuesOf(topic: string, clientId: string): readonly number[] {
    const client = this.subscriptions.find(clientId);
    if (client === undefined || client.topic !== topic || client.active.size === 0) return [];
    const ledgers = this.parts.book.find(client.group, topic);
    if (ledgers === undefined) return [];
    const table = this.parts.metadata.liteTable(topic);
    const now = this.now();
    for (const queueId of client.active) {
      const ledger = ledgers.queues.get(queueId);
      const end = this.parts.store.maxOffset(topic, queueId);
      if (ledger === undefined || (ledger.unfinished === 0 && ledger.next >= end)) {
        client.active.delete(queueId);
      } else {
        table.used(queueId, now);
      }
    }
    return [...client.active];
  }

  /** See `BrokerApi.syncLite`; the group has begun on the topic. */
  async sync(request: SyncLiteRequest, ledgers: GroupTopic): Promise<readonly string[]> {
    const { group, topic, clientId, change } = request;
    const client = this.subscriptions.client(clientId, group, topic, this.now());
    const removed = change === 'set' ? takeRemoved(client, request.liteTopics) : [];
    const names = new Set(request.liteTopics.filter((name) => !removed.includes(name)));
    checkLiteSubscriptions(this.parts, this.subscriptions, client, change, names);
    const table = this.parts.metadata.liteTable(topic);
    if (change === 'remove') {
      for (const name of names) this.subscriptions.remove(client, table.queueOf(name) ?? -1);
      return removed;
    }
    const queueIds = this.begin(ledgers, [...names]);
    // A list that a client repeats is no use of what is on it: else nothing would ever be idle.
    if (change === 'add') for (const queueId of queueIds) table.used(queueId, this.now());
    if (request.start !== undefined) await this.move(ledgers, queueIds, request.start);
    await this.parts.metadata.settled();
    await this.parts.log.durable();
    if (ledgers.dropped) throw noTopic(topic);
    if (change === 'set') {
      const kept = new Set(queueIds);
      for (const queueId of [...client.wanted]) {
        if (!kept.has(queueId)) this.subscriptions.remove(client, queueId);
      }
    }
    for (const queueId of queueIds) this.subscriptions.add(client, queueId);
    this.arm();
    this.parts.becameReady(ledgers);
    return removed;
  }

  clientGone(clientId: string): void {
    this.subscriptions.dropClient(clientId);
  }

  dropTopic(topic: string): void {
    this.subscriptions.dropTopic(topic);
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  /** Makes the lite topics that are new, and lets the group begin at the end of those where it has not. */
  private begin(ledgers: GroupTopic, names: readonly string[]): readonly number[] {
    const { topic } = ledgers;
    const { metadata, store } = this.parts;
    const table = metadata.liteTable(topic);
    this.make(
      topic,
      names.filter((name) => table.queueOf(name) === undefined),
    );
    return names.map((name) => {
      const queueId = table.queueOf(name) ?? -1;
      if (!ledgers.queues.has(queueId)) {
        this.resets.move(ledgers, queueId, store.nextOffset(topic, queueId));
      }
      return queueId;
    });
  }

  private async move(
    ledgers: GroupTopic,
    queueIds: readonly number[],
    start: LiteStart,
  ): Promise<void> {
    const { store, metadata, book } = this.parts;
    const { topic } = ledgers;
    const table = metadata.liteTable(topic);
    for (const queueId of queueIds) {
      const { committed } = book.queue(ledgers, queueId);
      const base = table.baseOf(queueId);
      const offset = await offsetOf(start, store, { topic, queueId, base, committed });
      if (ledgers.dropped) return;
      this.resets.move(ledgers, queueId, offset);
    }
  }

  /** @throws StatusError LITE_TOPIC_QUOTA_EXCEEDED */
  private make(topic: string, names: readonly string[]): readonly LiteRow[] {
    const { metadata, store } = this.parts;
    if (names.length === 0) return [];
    checkLiteTopics(this.parts, topic, names.length);
    const rows = names.map((name) => {
      const queueId = metadata.liteTable(topic).nextQueue();
      const row = { name, queueId, base: store.nextOffset(topic, queueId) };
      metadata.note({ kind: 'lite-topics', topic, rows: [row] });
      return row;
    });
    this.arm();
    return rows;
  }

  private arm(): void {
    const { metadata, settings, platform } = this.parts;
    const nothing = metadata.liteTopics === 0 && this.subscriptions.clientCount === 0;
    if (this.timer !== undefined || this.closed || nothing) return;
    const idleMs = [...metadata.liteTables()].map(([topic]) => this.idleMs(topic));
    const shortestMs = Math.min(settings.liteClientSilentMs, ...idleMs) / 10;
    const checkMs = Math.min(MOST_CHECK_MS, Math.max(LEAST_CHECK_MS, shortestMs));
    this.timer = platform.timers.after(checkMs, () => this.sweep());
  }

  /** Removes lite topics that were idle for too long, and forgets silent clients. */
  private sweep(): void {
    const { metadata, settings, platform } = this.parts;
    this.timer = undefined;
    if (this.closed) return;
    const now = this.now();
    this.subscriptions.dropSilent(now - settings.liteClientSilentMs);
    let full = false;
    for (const [topic, table] of metadata.liteTables()) {
      const idle = table.idle(now - this.idleMs(topic), REMOVED_A_TURN);
      this.removeIdle(topic, idle);
      full ||= idle.length === REMOVED_A_TURN;
    }
    if (full) this.timer = platform.timers.after(0, () => this.sweep());
    else this.arm();
  }

  private removeIdle(topic: string, queueIds: readonly number[]): void {
    if (queueIds.length === 0) return;
    const { metadata, book } = this.parts;
    const table = metadata.liteTable(topic);
    for (const queueId of queueIds) {
      this.subscriptions.removed(topic, queueId, table.nameOf(queueId) ?? '');
      book.forgetQueue(topic, queueId);
    }
    metadata.note({ kind: 'lite-removed', topic, queueIds });
  }

  /** After how long lite topics of a parent go that nobody uses. */
  private idleMs(topic: string): number {
    const { metadata, settings } = this.parts;
    const idleMs = metadata.topics.get(topic)?.liteIdleMs ?? settings.liteTopicIdleMs;
    return idleMs === 0 ? Infinity : idleMs;
  }

  private now(): number {
    return this.parts.platform.clock.monotonicMs();
  }
}

/** Names of a request whose lite topics were removed and that the client has not been told of. */
function takeRemoved({ removed }: LiteClient, names: readonly string[]): readonly string[] {
  const told = names.filter((name) => removed.has(name));
  removed.clear();
  return told;
}
