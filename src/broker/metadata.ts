/**
 * Topics and consumer groups of one broker. The truth is in the log: each change is a record of
 * `rmq_sys_GANTRY_META`, JSON in its body:
 *
 *     { "kind": "topic", "topic": TopicConfig }      { "kind": "topic-deleted", "name": ... }
 *     { "kind": "group", "group": GroupConfig }      { "kind": "group-deleted", "name": ... }
 *     { "kind": "lite-topics", "topic": parent, "rows": [...] }     new ones, or part of a snapshot
 *     { "kind": "lite-removed", "topic": parent, "queueIds": [...] }
 *     { "kind": "draining", "draining": whether the broker is to take no new messages }
 *     { "kind": "state", "topics": [...], "groups": [...] }     part of a snapshot
 */
import type { GroupConfig, TopicConfig } from '../api/topic';
import { META_TOPIC } from '../message/names';
import type { StoredRecord } from '../message/record';
import { draftRecord } from '../message/record-draft';
import { Code, StatusError } from '../message/status';
import type { Clock } from '../platform/platform';
import type { MessageStore } from '../store/message-store';
import { type LiteRow, LiteTable } from './lite/lite-table';
import type { BrokerSettings } from './settings';

/** Where the queues of this broker ended when a generation of a topic did, by queue id. */
export interface GenerationEnd {
  /** The first is 1. */
  readonly generation: number;
  readonly offsets: readonly number[];
}

/** A topic as the broker keeps it. */
export interface StoredTopic extends TopicConfig {
  /** Of generations that have ended and whose messages may still be there, the oldest first. See ./growth. */
  readonly ends?: readonly GenerationEnd[];
}

/** Lite topics that are made and removed; what is said of them is in force at once. */
export type LiteChange =
  | { readonly kind: 'lite-topics'; readonly topic: string; readonly rows: readonly LiteRow[] }
  | {
      readonly kind: 'lite-removed';
      readonly topic: string;
      readonly queueIds: readonly number[];
    };

export type MetaChange =
  | { readonly kind: 'topic'; readonly topic: StoredTopic }
  | { readonly kind: 'topic-deleted'; readonly name: string }
  | { readonly kind: 'group'; readonly group: GroupConfig }
  | { readonly kind: 'group-deleted'; readonly name: string }
  | LiteChange
  | { readonly kind: 'draining'; readonly draining: boolean }
  | {
      readonly kind: 'state';
      readonly topics: readonly StoredTopic[];
      readonly groups: readonly GroupConfig[];
    };

/** The topic that a record deletes; `undefined` for any other record. */
export function deletionOf({ topic, body }: StoredRecord): string | undefined {
  if (topic !== META_TOPIC) return undefined;
  const change = decodeMetaChange(body);
  return change.kind === 'topic-deleted' ? change.name : undefined;
}

/** Configurations in one snapshot record. */
const STATE_RECORD_ITEMS = 1000;

export class Metadata {
  readonly topics = new Map<string, StoredTopic>();
  readonly groups = new Map<string, GroupConfig>();
  private readonly lite = new Map<string, LiteTable>();
  /** Logged, and not in force yet. */
  private readonly underWay = new Set<MetaChange>();
  /** Grows with each change of a topic or a group. */
  changes = 0;
  /** Whether the broker is to take no new messages. */
  draining = false;
  private lastEnd: number | undefined;

  constructor(
    private readonly store: MessageStore,
    private readonly clock: Clock,
    private readonly settings: BrokerSettings,
  ) {}

  /**
   * Logs a change and resolves once it is durable. A new or changed topic or group is in force from
   * then on; a deleted one is gone at once, so that nothing is logged for it behind the deletion.
   * @throws StatusError FORBIDDEN when a limit on topics or groups is reached
   */
  async change(change: MetaChange): Promise<void> {
    this.checkLimits(change);
    const { endOffset } = this.append(change);
    const deletion = change.kind === 'topic-deleted' || change.kind === 'group-deleted';
    if (deletion) this.apply(change);
    else this.underWay.add(change);
    try {
      await this.store.durable(endOffset);
      // A group may have been deleted meanwhile.
      if (this.underWay.has(change)) this.apply(change);
    } finally {
      this.underWay.delete(change);
    }
  }

  /** Logs a change of lite topics, which is in force at once: what is logged for it lies behind it. */
  note(change: LiteChange): void {
    this.append(change);
    this.apply(change);
  }

  /** The lite topics of a parent topic. */
  liteTable(topic: string): LiteTable {
    let table = this.lite.get(topic);
    if (table === undefined) this.lite.set(topic, (table = new LiteTable()));
    return table;
  }

  liteTables(): Iterable<[topic: string, table: LiteTable]> {
    return this.lite;
  }

  /** Lite topics of all parents. */
  get liteTopics(): number {
    let count = 0;
    for (const { size } of this.lite.values()) count += size;
    return count;
  }

  /** For messages without a message group; where the others lie the topics say. @throws StatusError NOT_FOUND */
  checkTakesMessages(): void {
    if (!this.draining) return;
    const { brokerName } = this.settings;
    throw new StatusError(Code.NOT_FOUND, `broker ${brokerName} takes no new messages: it drains`);
  }

  /** Resolves when all changes logged so far are durable. */
  async settled(): Promise<void> {
    if (this.lastEnd !== undefined) await this.store.durable(this.lastEnd);
  }

  apply(change: MetaChange): void {
    if (change.kind === 'lite-topics' || change.kind === 'lite-removed') {
      this.applyLite(change);
      return;
    }
    this.changes++;
    switch (change.kind) {
      case 'topic':
        this.topics.set(change.topic.name, change.topic);
        break;
      case 'topic-deleted':
        this.topics.delete(change.name);
        this.lite.delete(change.name);
        break;
      case 'group':
        this.groups.set(change.group.name, change.group);
        break;
      case 'group-deleted':
        this.groups.delete(change.name);
        this.overtake(change.name);
        break;
      case 'draining':
        this.draining = change.draining;
        break;
      case 'state':
        for (const topic of change.topics) this.topics.set(topic.name, topic);
        for (const group of change.groups) this.groups.set(group.name, group);
        break;
    }
  }

  /** Logs all that is known, and what comes into force next; answers the physical offset of the first record. */
  logState(): number {
    const topics = [...this.topics.values()];
    const groups = [...this.groups.values()];
    let begin: number | undefined;
    for (let i = 0; begin === undefined || i < Math.max(topics.length, groups.length);) {
      const to = i + STATE_RECORD_ITEMS;
      const part = { topics: topics.slice(i, to), groups: groups.slice(i, to) };
      const { physicalOffset } = this.append({ kind: 'state', ...part });
      begin ??= physicalOffset;
      i = to;
    }
    if (this.draining) this.append({ kind: 'draining', draining: true });
    for (const [topic, table] of this.lite) {
      const rows = [...table.rows()];
      for (let at = 0; at < rows.length; at += STATE_RECORD_ITEMS) {
        const part = rows.slice(at, at + STATE_RECORD_ITEMS);
        this.append({ kind: 'lite-topics', topic, rows: part });
      }
    }
    for (const change of this.underWay) this.append(change);
    return begin;
  }

  /** What is on its way to a group that is deleted does not come into force. */
  private overtake(group: string): void {
    for (const change of this.underWay) {
      if (change.kind === 'group' && change.group.name === group) this.underWay.delete(change);
    }
  }

  private applyLite(change: LiteChange): void {
    const table = this.liteTable(change.topic);
    if (change.kind === 'lite-removed') {
      for (const queueId of change.queueIds) table.remove(queueId);
      return;
    }
    const nowMs = this.clock.monotonicMs();
    for (const row of change.rows) table.put(row, nowMs);
  }

  private append(change: MetaChange): { physicalOffset: number; endOffset: number } {
    const draft = draftRecord({
      topic: META_TOPIC,
      body: Buffer.from(JSON.stringify(change)),
      properties: '',
      tag: '',
      bornTimestamp: this.clock.wallMs(),
    });
    const appended = this.store.append(draft, 0, true);
    this.lastEnd = appended.endOffset;
    return appended;
  }

  private checkLimits(change: MetaChange): void {
    const { maxTopics, maxGroups } = this.settings;
    if (
      change.kind === 'topic' &&
      !this.topics.has(change.topic.name) &&
      this.topics.size >= maxTopics
    ) {
      throw limitReached('topics', this.topics.size, maxTopics);
    }
    if (
      change.kind === 'group' &&
      !this.groups.has(change.group.name) &&
      this.groups.size >= maxGroups
    ) {
      throw limitReached('consumer groups', this.groups.size, maxGroups);
    }
  }
}

/** Decodes the body of a metadata record. */
export function decodeMetaChange(body: Buffer): MetaChange {
  return JSON.parse(body.toString('utf8')) as MetaChange;
}

function limitReached(what: string, count: number, limit: number): StatusError {
  return new StatusError(Code.FORBIDDEN, `the broker has ${count} ${what}, the limit is ${limit}`);
}
