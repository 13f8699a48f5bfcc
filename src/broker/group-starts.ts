/** Groups of consumers make themselves known: they are made where they may be, and begin on their topics. */
import type { SubscribeRequest } from '../api/broker-api';
import { newGroup, type GroupConfig } from '../api/topic';
import { newestGeneration } from '../api/topic-generations';
import { MATCH_ALL } from '../message/filter';
import { checkGroupName } from '../message/names';
import type { MessageStore } from '../store/message-store';
import { checkLiteGroup, noGroup, noTopic } from './config-checks';
import type { Growth } from './growth/growth';
import { Making } from './making';
import type { Metadata } from './metadata';
import type { GroupTopic } from './pop/group-topic';
import type { LedgerBook } from './pop/ledger-book';
import type { LedgerLog } from './pop/ledger-log';

export interface GroupStartParts {
  readonly store: MessageStore;
  readonly metadata: Metadata;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly growth: Pick<Growth, 'began' | 'sinceBefore'>;
  readonly settings: { readonly autoCreateGroups: boolean };
}

export class GroupStarts {
  /** Groups that are being made. */
  private readonly making = new Making<GroupConfig>();

  constructor(private readonly parts: GroupStartParts) {}

  /** See `BrokerApi.subscribe`. */
  async subscribe(request: SubscribeRequest): Promise<GroupConfig> {
    const { book, metadata, growth, log } = this.parts;
    book.clients.heard(request.clientId);
    const topics = request.subscriptions.flatMap(({ topic }) => metadata.topics.get(topic) ?? []);
    const parent = topics.find(({ type }) => type === 'LITE')?.name;
    const group =
      metadata.groups.get(request.group) ??
      (await this.make(request.group, request.fifoIfNew, parent));
    for (const topic of topics) checkLiteGroup(group, topic);
    let began = false;
    for (const { topic } of request.subscriptions) {
      const isNew = (): boolean =>
        metadata.topics.has(topic) && book.find(group.name, topic) === undefined;
      if (!isNew()) continue;
      const since = await growth.sinceBefore(group.name, topic);
      if (!isNew()) continue;
      this.begin(group, topic, since);
      began = true;
    }
    if (began) await log.durable();
    return group;
  }

  /** A group on a topic. Where it has not begun there, the subscription comes with its first request. */
  async begun(group: string, topic: string, clientId: string): Promise<GroupTopic> {
    const { book, metadata } = this.parts;
    const known = book.find(group, topic);
    if (known !== undefined) return known;
    const fifoIfNew = metadata.topics.get(topic)?.type === 'FIFO';
    const subscriptions = [{ topic, filter: MATCH_ALL }];
    await this.subscribe({ group, clientId, subscriptions, fifoIfNew });
    const ledgers = book.find(group, topic);
    if (ledgers === undefined) throw noTopic(topic);
    return ledgers;
  }

  /** Groups that are on a topic elsewhere begin on it here, at the beginning; those that have begun stay where they are. */
  async follow(groups: readonly string[], topic: string): Promise<void> {
    const { book, metadata, log } = this.parts;
    const config = metadata.topics.get(topic);
    if (config === undefined) return;
    const since = Math.max(1, newestGeneration(config) - 1);
    let began = false;
    for (const name of groups) {
      const group = metadata.groups.get(name);
      if (group === undefined || book.find(name, topic) !== undefined) continue;
      this.begin(group, topic, since);
      began = true;
    }
    if (began) await log.durable();
  }

  private make(name: string, fifo: boolean, liteTopic?: string): Promise<GroupConfig> {
    if (!this.parts.settings.autoCreateGroups) return Promise.reject(noGroup(name));
    checkGroupName(name);
    const group = { ...newGroup(name, fifo), ...(liteTopic === undefined ? {} : { liteTopic }) };
    return this.making.once(name, async () => {
      await this.parts.metadata.change({ kind: 'group', group });
      return group;
    });
  }

  /**
   * Fixes where a group starts on a topic: at the end of its queues as of now, or at their beginning.
   * @param since the generation since which it is on it elsewhere: then all that is here is new to it
   */
  private begin(group: GroupConfig, topic: string, since?: number): void {
    const { store, book, log, metadata, growth } = this.parts;
    const config = metadata.topics.get(topic);
    const { queues, type } = config ?? { queues: 0 };
    const atEnd = since === undefined && group.startFrom === 'end';
    // On lite topics it begins one by one, as its clients ask for them.
    const count = type === 'LITE' ? 0 : queues;
    const offsets = Array.from({ length: count }, (_, queueId) =>
      atEnd ? store.maxOffset(topic, queueId) : store.minOffset(topic, queueId),
    );
    const ledgers = book.start(group.name, topic, 0, offsets);
    log.add({ kind: 'start', group: group.name, topic, generation: 0, offsets });
    growth.began(ledgers, since ?? Math.max(1, newestGeneration(config ?? {})));
  }
}
