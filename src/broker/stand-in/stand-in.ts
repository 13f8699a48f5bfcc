/**
 * A replica that serves reads while its master is away, on the confirmed part of its log: receives, acknowledgements
 * and pulls of groups of consumers that have begun there. What it does is in its journal, never in the log; what needs
 * the log is refused. Groups that receive in order wait for the master, and so do lite topics, messages whose last
 * attempt is over, and all that waits for its time.
 */
import type { Logger } from 'pino';
import type { BrokerApi, PopRequest, PopResult } from '../../api/broker-api';
import type { ReplicasApi } from '../../api/cluster-api';
import { NotMasterError } from '../../api/not-master';
import type { OffsetApi, UpdateOffsetRequest } from '../../api/offset-api';
import { newGroup, type TopicConfig } from '../../api/topic';
import type { StatusError } from '../../message/status';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import { noTopic } from '../config-checks';
import { Delivery, fifoIn, type Ledgers, makeLedgers } from '../delivery';
import { Inspector } from '../inspector';
import { findMessages } from '../message-finder';
import { Metadata } from '../metadata';
import { GroupTopic } from '../pop/group-topic';
import { loadHandleKeys } from '../pop/handle-keys';
import type { QueueRef } from '../pop/ledger-ops';
import { LedgerReplay } from '../pop/ledger-replay';
import type { BrokerSettings } from '../settings';
import { newestSnapshot, replayViews } from '../view-replay';
import { readJournal, StandInJournal } from './journal';
import { refusedCalls, servesReads } from './refusals';

export interface StandInParts {
  /** Of the follower. */
  readonly store: MessageStore;
  readonly directory: string;
  /** Where its journal is kept, or begins. */
  readonly journalPath: string;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly settings: BrokerSettings;
  readonly replicas: ReplicasApi;
}

export class StandIn {
  /** What proxies reach. */
  readonly api: BrokerApi;
  private readonly delivery: Delivery;

  private constructor(
    private readonly parts: StandInParts,
    private readonly metadata: Metadata,
    private readonly ledgers: Ledgers,
    private readonly journal: StandInJournal,
    keys: Awaited<ReturnType<typeof loadHandleKeys>>,
  ) {
    const { store, platform, logger, settings } = parts;
    this.delivery = new Delivery({
      ...{ store, platform, logger, settings, metadata, ledgers, keys, beginsRetries: false },
      begun: (group, topic) => {
        const known = ledgers.book.find(group, topic);
        return known ? Promise.resolve(known) : Promise.reject(this.refusal);
      },
      queuesOf: (asked) => {
        const isServed = ledgers.book.find(asked.group, asked.topic) === asked;
        return isServed ? (metadata.topics.get(asked.topic)?.queues ?? 0) : 0;
      },
    });
    this.api = this.makeApi();
  }

  /** Rebuilds the views from the follower's log, and what was done on the strength of them from the journal. */
  static async open(parts: StandInParts): Promise<StandIn> {
    const { store, platform, settings, logger, directory, journalPath: path } = parts;
    const { brokerName } = settings;
    const metadata = new Metadata(store, platform.clock, settings);
    const generationOf = ({ group, topic, queueId }: QueueRef): number =>
      ledgers.book.find(group, topic)?.queues.get(queueId)?.generation ?? 0;
    const journal = await StandInJournal.open({ path, platform, brokerName, generationOf });
    const ledgers: Ledgers = makeLedgers(platform, settings, metadata, journal);
    try {
      const keys = await loadHandleKeys(directory, platform);
      const { book } = ledgers;
      await replayViews({ store, platform, metadata, book }, await newestSnapshot(parts));
      const replay = new LedgerReplay(book);
      const nowMs = platform.clock.wallMs();
      for (const entry of await readJournal(platform.files, path)) {
        if (entry.kind !== 'ops') continue;
        for (const op of entry.ops) replay.apply(op, nowMs - entry.wallMs);
      }
      logger.info({ brokerName, topics: metadata.topics.size }, 'stands in for its master');
      return new StandIn(parts, metadata, ledgers, journal, keys);
    } catch (error) {
      ledgers.book.close();
      await journal.close(servesReads(brokerName));
      throw error;
    }
  }

  get topics(): readonly TopicConfig[] {
    return [...this.metadata.topics.values()];
  }

  /** Ends what waits, for the master to go on with; resolves when the journal holds all that was answered. */
  async close(): Promise<void> {
    const { log, book } = this.ledgers;
    const { brokerName } = this.parts.settings;
    const over = new NotMasterError(`the replica of broker ${brokerName} stands in no more`);
    this.delivery.close(over);
    await log.synced().catch(() => undefined);
    await this.journal.close(over);
    book.close();
  }

  private get refusal(): StatusError {
    return servesReads(this.parts.settings.brokerName);
  }

  private makeApi(): BrokerApi {
    const { delivery, metadata, ledgers, parts } = this;
    const { book, log } = ledgers;
    const { store, settings, platform, replicas } = parts;
    const { brokerName } = settings;
    const refused = refusedCalls(brokerName);
    const { pops, finishing, running, faults } = delivery;
    const inspector = new Inspector({
      ...{ store, book, log, brokerName, timers: platform.timers },
      ...{ topics: metadata.topics, groups: metadata.groups },
      lite: (topic) => metadata.liteTable(topic),
      // What waits for its time is for the master to tell.
      delayed: () => 0,
      transactions: () => new Map(),
      endPolls: (gone, error) => pops.endPolls((asked) => asked === gone, error),
    });
    return {
      ...refused,
      replicas,
      offsets: this.offsets(refused.offsets),
      inspect: {
        topicStatus: (topic) => inspector.topicStatus(topic),
        groupLag: (request) => inspector.groupLag(request),
        begun: (of) => inspector.begun(of),
        ...refused.inspect,
      },
      pop: (request, signal) => this.pop(request, signal),
      ack: (request) => delivery.ack(request),
      changeInvisible: (request) => delivery.changeInvisible(request),
      release: (request) => delivery.release(request),
      subscribe: ({ group, clientId, fifoIfNew }) => {
        book.clients.heard(clientId);
        return Promise.resolve(metadata.groups.get(group) ?? newGroup(group, fifoIfNew));
      },
      clientSeen: (clientId) => Promise.resolve(void book.clients.heard(clientId)),
      clientGone: (clientId) => {
        running.endClient(clientId);
        return finishing.releaseClient(clientId);
      },
      probe: () => this.probe(),
      listTopics: () => Promise.resolve(this.topics),
      listGroups: () => Promise.resolve([...metadata.groups.values()]),
      filterFaults: () => Promise.resolve(faults.list()),
      findMessages: (search) => findMessages(store, metadata.topics, brokerName, search),
    };
  }

  private probe(): Promise<void> {
    const { failure } = this.journal;
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  }

  /** Who is not served waits all the same: whoever asks asks again. */
  private pop(request: PopRequest, caller: AbortSignal): Promise<PopResult> {
    const { delivery, metadata } = this;
    const { group, topic, clientId } = request;
    if (!metadata.topics.has(topic)) return Promise.reject(noTopic(topic));
    return delivery.running.run(clientId, caller, (signal) => {
      const served = this.served(group, topic);
      if (served !== undefined) return delivery.retries.pop(served, request, signal);
      const none = new GroupTopic(group, topic, 0);
      return delivery.pops.pop(none, { ...request, attemptId: '' }, signal);
    });
  }

  /** The ledgers of a group that is served; where one begins that has not begun here the master says. */
  private served(group: string, topic: string): GroupTopic | undefined {
    const { metadata, ledgers } = this;
    const isOrdered = metadata.topics.get(topic)?.type === 'LITE' || fifoIn(metadata)(group);
    return isOrdered ? undefined : ledgers.book.find(group, topic);
  }

  private offsets(refused: Pick<OffsetApi, 'reset'>): OffsetApi {
    const { offsets } = this.delivery;
    return {
      ...refused,
      pull: (request, signal) => offsets.pull(request, signal),
      get: (request) => offsets.get(request),
      query: (request) => offsets.query(request),
      update: (request) => this.update(request),
    };
  }

  /** Setting back is a reset. */
  private update(request: UpdateOffsetRequest): Promise<void> {
    const { group, topic, queueId, offset } = request;
    const { committed = 0 } = this.ledgers.book.find(group, topic)?.queues.get(queueId) ?? {};
    if (offset < committed) return Promise.reject(this.refusal);
    return this.delivery.offsets.update(request);
  }
}
