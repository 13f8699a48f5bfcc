// long: one method for each of the API, most a line or two.
/** One broker: topics, groups and messages behind `BrokerApi`. */
import type { Logger } from 'pino';
import type {
  AckRequest,
  BrokerApi,
  ChangeInvisibleRequest,
  EntryStatus,
  FilterFault,
  ForwardRequest,
  GroupProgress,
  PopRequest,
  PopResult,
  ProgressRequest,
  SendRequest,
  SendResult,
  SubscribeRequest,
} from '../api/broker-api';
import type { ReplicasApi } from '../api/cluster-api';
import type { DelayedMessages, ListDelayedRequest, RecallRequest } from '../api/delayed-api';
import { NotMasterError } from '../api/not-master';
import type { SyncLiteRequest } from '../api/lite-api';
import type { FoundMessages, MessageSearch } from '../api/message-search';
import type { BrokerDialer } from '../api/broker-dialer';
import type { BrokerRegistration, RegistrationLease, RouteApi } from '../api/route-api';
import { DEFAULT_BACKOFF, isOrdered, type GroupConfig, type TopicConfig } from '../api/topic';
import { FilterCache } from '../message/filter-cache';
import { Code, StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import type { MessageStore } from '../store/message-store';
import { Alone } from './alone';
import {
  checkedQueue,
  checkGroupConfig,
  checkLiteGroup,
  checkTopicConfig,
  noGroup,
  noTopic,
} from './config-checks';
import { DuplicateWindow } from './dedup/duplicate-window';
import type { FollowedSends } from './dedup/followed-sends';
import { FilterFaults } from './filter/filter-faults';
import { Judge } from './filter/judge';
import { Exchange } from './exchange/exchange';
import { Growth } from './growth/growth';
import { Inspector } from './inspector';
import { findMessages } from './message-finder';
import { GroupStarts } from './group-starts';
import { LiteTopics } from './lite/lite-topics';
import { Making } from './making';
import { Metadata, type StoredTopic } from './metadata';
import { Offsets } from './offsets/offsets';
import { CarryOver } from './carry-over';
import { ClientTable } from './pop/client-table';
import { FinishService } from './pop/finish-service';
import { loadHandleKeys } from './pop/handle-keys';
import { LedgerBook, type LedgerEvents } from './pop/ledger-book';
import { DeadLetterService } from './pop/dead-letter-service';
import { LedgerLog } from './pop/ledger-log';
import { LostDeliveries } from './pop/lost-deliveries';
import { PopService } from './pop/pop-service';
import { RunningPops } from './pop/running-pops';
import { ReceiptHandles } from './pop/receipt-handles';
import { RetryTopics } from './pop/retry-topics';
import { Selector } from './pop/selection';
import { Removal } from './removal';
import { diskWaits, type WriteWaits } from './write-waits';
import type { BrokerSettings } from './settings';
import { Timer } from './timer/timer';
import { Transactions } from './transaction/transactions';
import { Views } from './views';

export interface BrokerParts {
  readonly store: MessageStore;
  /** The store's directory: keys and notes of ours lie in `gantry/` below it. */
  readonly directory: string;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly settings: BrokerSettings;
  /** Makes the ways to other brokers; `undefined` for a broker that is alone. */
  readonly dial?: BrokerDialer;
  /** What is known of its group; `undefined` for a broker without replicas. */
  readonly replicas?: ReplicasApi;
  /** Of its mastership; default: the wall clock. */
  readonly epoch?: number;
  /** What its sends wait for; default: the disk. */
  readonly waits?: WriteWaits;
  /** What it has learnt of its duplicate window while it followed; none for a broker that did not. */
  readonly followedSends?: FollowedSends | undefined;
}

export class Broker implements BrokerApi {
  private lease: RegistrationLease | undefined;
  private address = '';
  private version = 0;
  private readonly epoch: number;
  readonly replicas: ReplicasApi;
  /** Dead letter topics that are being made. */
  private readonly makingTopics = new Making<void>();

  private constructor(
    private readonly parts: BrokerParts,
    private readonly metadata: Metadata,
    private readonly book: LedgerBook,
    private readonly log: LedgerLog,
    private readonly views: Views,
    private readonly exchange: Exchange,
    private readonly pops: PopService,
    private readonly finishing: FinishService,
    private readonly deadLetters: DeadLetterService,
    private readonly retries: RetryTopics,
    private readonly faults: FilterFaults,
    private readonly duplicates: DuplicateWindow,
    readonly transactions: Transactions,
    private readonly timer: Timer,
    private readonly growth: Growth,
    private readonly running: RunningPops,
    readonly offsets: Offsets,
    readonly inspect: Inspector,
    private readonly starts: GroupStarts,
    private readonly lite: LiteTopics,
    private readonly waits: WriteWaits,
  ) {
    this.epoch = parts.epoch ?? parts.platform.clock.wallMs();
    const { settings, store } = parts;
    this.replicas = parts.replicas ?? new Alone(settings.brokerName, this.epoch, store);
  }

  /** Opens a broker on its store: rebuilds what it knows from the log. */
  static async open(parts: BrokerParts): Promise<Broker> {
    const { store, platform, logger, settings, directory } = parts;
    const keys = await loadHandleKeys(directory, platform);
    const metadata = new Metadata(store, platform.clock, settings);
    const clients = new ClientTable(platform.clock);
    const waits = parts.waits ?? diskWaits(store);
    const log = new LedgerLog(store, platform, waits);
    const nothing = (): void => undefined;
    const events: LedgerEvents = {
      ready: nothing,
      exhausted: nothing,
      maxAttempts: (group) => metadata.groups.get(group)?.maxAttempts ?? Infinity,
    };
    const book = new LedgerBook(platform, clients, settings, events);
    const duplicates = new DuplicateWindow({
      ...{ store, platform, logger, waits, followed: parts.followedSends },
      ...{ windowMs: settings.dedupWindowMs, maxEntries: settings.dedupMaxEntries },
    });
    const transactions = new Transactions({
      ...{ store, platform, logger, settings: settings.transactions, topics: metadata.topics },
      ...{ duplicates, waits, admit: () => metadata.checkTakesMessages() },
      logged: () => views.snapshotIfDue(settings.snapshotEveryBytes),
    });
    const views: Views = new Views({
      ...{ directory, store, platform, logger, metadata, book, log },
      transactions: transactions.view,
    });
    const exchange = await Exchange.open({
      ...{ directory, platform, store, metadata, book, log, views },
      transactions: transactions.view,
      maxWindow: settings.maxWindow,
      logger: logger.child({ part: 'exchange' }),
    });
    const timer = await Timer.open({
      ...{ store, directory, platform, settings, waits },
      logger: logger.child({ part: 'timer' }),
      queuesOf: (topic) => metadata.topics.get(topic)?.queues ?? 0,
    });
    const handles = new ReceiptHandles(settings.brokerName, keys, book);
    const faults = new FilterFaults(platform.clock, logger);
    const filters = new FilterCache();
    const judge = new Judge(store, faults);
    const isFifo = (name: string): boolean => {
      const group = metadata.groups.get(name);
      return group !== undefined && isOrdered(group);
    };
    const opened: { broker?: Broker } = {};
    const ensureTopic = (name: string): Promise<void> =>
      opened.broker?.ensureTopic(name) ?? Promise.reject(new Error('the broker is not open yet'));
    const { maxAttempts } = events;
    const carried = { store, book, log, platform, logger, isFifo, maxAttempts, ensureTopic };
    const carryOver = new CarryOver(carried);
    new Removal({ store, book, log, views, timer, carryOver, clock: platform.clock, logger });
    const growth = new Growth({
      ...{ platform, store, book, log, isFifo, dial: parts.dial },
      brokerName: settings.brokerName,
      logger: logger.child({ part: 'growth' }),
      topics: metadata.topics,
      opened: (ledgers) => pops.becameReady(ledgers),
    });
    const selector = new Selector({
      ...{ store, book, log, judge, settings, platform, isFifo },
      hasPriorities: (topic) => metadata.topics.get(topic)?.type === 'PRIORITY',
    });
    const finishing = new FinishService({
      ...{ book, log, handles },
      lost: new LostDeliveries({ store, book, log, isFifo }),
      takeNonce: () => selector.takeNonce(),
      backoffOf: (group) => metadata.groups.get(group)?.backoff ?? DEFAULT_BACKOFF,
    });
    const lite: LiteTopics = new LiteTopics({
      ...{ store, book, log, metadata, platform, settings },
      becameReady: (ledgers) => pops.becameReady(ledgers),
    });
    const pops: PopService = new PopService({
      ...{ store, book, log, handles, selector, finishing, filters, judge, isFifo },
      ...{ platform, settings, logger },
      queuesOf: (ledgers, clientId) => {
        const topic = metadata.topics.get(ledgers.topic);
        if (topic?.type === 'LITE') return lite.queuesOf(ledgers.topic, clientId);
        return growth.openQueues(ledgers, topic);
      },
    });
    const deadLetters = new DeadLetterService({ store, book, log, handles, logger, ensureTopic });
    events.ready = (ledgers) => {
      pops.becameReady(ledgers);
      growth.moved(ledgers);
    };
    events.exhausted = (...message) => deadLetters.exhausted(...message);
    const { clock } = platform;
    const retries = new RetryTopics({ store, metadata, book, log, clock, pops });
    await duplicates.load(metadata.topics.values());
    const running = new RunningPops();
    const starts = new GroupStarts({ store, metadata, book, log, growth, settings });
    const offsets = new Offsets({
      ...{ store, platform, settings, filters, judge, book, log, running },
      ...{ brokerName: settings.brokerName, topics: metadata.topics, groups: metadata.groups },
      becameReady: (ledgers) => pops.becameReady(ledgers),
      begun: (...names) => starts.begun(...names),
    });
    const inspect = new Inspector({
      ...{ store, book, log, topics: metadata.topics, groups: metadata.groups },
      ...{ brokerName: settings.brokerName, timers: platform.timers },
      lite: (topic) => metadata.liteTable(topic),
      delayed: (topic) => timer.waitingFor(topic),
      transactions: () => transactions.pendingByTopic(),
      endPolls: (gone, error) => pops.endPolls((ledgers) => ledgers === gone, error),
    });
    await exchange.start(timer);
    timer.start();
    const broker: Broker = new Broker(
      ...([parts, metadata, book, log, views, exchange, pops, finishing] as const),
      ...([deadLetters, retries, faults, duplicates, transactions, timer, growth] as const),
      ...([running, offsets, inspect, starts, lite, waits] as const),
    );
    opened.broker = broker;
    await transactions.begin();
    return broker;
  }

  /**
   * Makes the broker known to name servers, from now until `unregister`, with topics that are made meanwhile.
   * @param address `host:port` where proxies reach it; '' inside one process
   */
  async register(routes: RouteApi, address: string): Promise<void> {
    this.address = address;
    const { version } = this;
    this.lease = await routes.register(this.registration());
    if (this.version !== version) await this.lease.update(this.registration());
    this.growth.follow(routes, (config) => this.changeTopic(config, true));
  }

  async send(request: SendRequest): Promise<SendResult> {
    const { store } = this.parts;
    const { duplicates, waits } = this;
    const { draft } = request;
    const topic = this.topic(draft.topic);
    this.growth.check(topic, request.queueId, request.generation);
    checkedQueue(topic, topic.name, request.queueId);
    for (let at = duplicates.find(draft); at !== undefined; at = duplicates.find(draft, at)) {
      const first = await duplicates.resultAt(draft, at);
      if (first !== undefined) return first;
      this.growth.check(this.topic(topic.name), request.queueId, request.generation);
    }
    waits.check();
    if (request.generation === undefined) this.metadata.checkTakesMessages();
    const isLite = topic.type === 'LITE';
    const queueId = isLite ? this.lite.queueFor(topic.name, request.liteTopic) : request.queueId;
    const { deliverMs } = draft;
    const delayed = deliverMs !== undefined && deliverMs > this.parts.platform.clock.wallMs();
    const appended = delayed
      ? this.timer.append(draft, queueId, deliverMs)
      : store.append(draft, queueId);
    duplicates.added(appended);
    const { queueOffset, physicalOffset, endOffset } = appended;
    await (draft.waitsForDisk ? waits.durable(endOffset) : store.written(endOffset));
    return delayed ? { queueOffset, physicalOffset, delayed } : { queueOffset, physicalOffset };
  }

  recall(request: RecallRequest): Promise<void> {
    return this.timer.recall(request);
  }

  listDelayed(request: ListDelayedRequest): Promise<DelayedMessages> {
    return this.timer.list(request);
  }

  pop(request: PopRequest, caller: AbortSignal): Promise<PopResult> {
    return this.running.run(request.clientId, caller, async (signal) => {
      this.topic(request.topic);
      const { group, topic, clientId } = request;
      const ledgers =
        this.book.find(group, topic) ?? (await this.starts.begun(group, topic, clientId));
      this.views.snapshotIfDue(this.parts.settings.snapshotEveryBytes);
      return this.retries.pop(ledgers, request, signal);
    });
  }

  ack(request: AckRequest): Promise<readonly EntryStatus[]> {
    return this.retries.ack(request, (part) => this.finishing.ack(part));
  }

  changeInvisible(request: ChangeInvisibleRequest): Promise<string> {
    return this.finishing.changeInvisible(this.retries.routed(request));
  }

  forwardToDeadLetterQueue(request: ForwardRequest): Promise<void> {
    return this.deadLetters.forward(this.retries.routed(request));
  }

  release(request: AckRequest): Promise<void> {
    return this.retries.release(request, (part) => this.finishing.release(part));
  }

  subscribe(request: SubscribeRequest): Promise<GroupConfig> {
    return this.starts.subscribe(request);
  }

  async syncLite(request: SyncLiteRequest): Promise<readonly string[]> {
    const { group, topic, clientId } = request;
    if (this.topic(topic).type !== 'LITE') {
      throw new StatusError(Code.ILLEGAL_TOPIC, `topic ${topic} has no lite topics`);
    }
    const known = this.metadata.groups.get(group);
    if (known !== undefined) checkLiteGroup(known, this.topic(topic));
    return this.lite.sync(request, await this.starts.begun(group, topic, clientId));
  }

  groupProgress(request: ProgressRequest, signal: AbortSignal): Promise<GroupProgress> {
    return this.growth.progress(request, signal);
  }

  async clientSeen(clientId: string): Promise<void> {
    this.book.clients.heard(clientId);
    return Promise.resolve();
  }

  clientGone(clientId: string): Promise<void> {
    this.running.endClient(clientId);
    this.lite.clientGone(clientId);
    return this.finishing.releaseClient(clientId);
  }

  async probe(): Promise<void> {
    const { failure } = this.parts.store;
    if (failure !== undefined) throw failure;
    await this.log.written();
  }

  async putTopic(config: TopicConfig, groups: readonly string[] = []): Promise<void> {
    checkTopicConfig(config);
    await this.changeTopic(config, false, groups);
  }

  async deleteTopic(name: string): Promise<void> {
    for (let change; (change = this.growth.changeOf(name)) !== undefined;) await change;
    this.topic(name);
    const deleted = this.metadata.change({ kind: 'topic-deleted', name });
    this.book.dropTopic(name);
    this.growth.dropped(name);
    this.lite.dropTopic(name);
    this.faults.forget(({ topic }) => topic === name);
    this.pops.endPolls(({ topic }) => topic === name, noTopic(name));
    this.offsets.endPulls(name, noTopic(name));
    await this.transactions.dropTopic(name);
    await deleted;
    // The marks of what was delivered go with the topic.
    await this.timer.checkpoint();
    await this.parts.store.deleteTopic(name);
    await this.announce();
  }

  listTopics(): Promise<readonly TopicConfig[]> {
    return Promise.resolve([...this.metadata.topics.values()]);
  }

  async setDraining(draining: boolean): Promise<void> {
    await this.metadata.change({ kind: 'draining', draining });
    await this.announce();
  }

  async putGroup(config: GroupConfig): Promise<void> {
    checkGroupConfig(config);
    await this.metadata.change({ kind: 'group', group: { ...config } });
  }

  async deleteGroup(name: string): Promise<void> {
    if (!this.metadata.groups.has(name)) throw noGroup(name);
    const deleted = this.metadata.change({ kind: 'group-deleted', name });
    this.book.dropGroup(name);
    this.faults.forget(({ group }) => group === name);
    this.pops.endPolls(({ group }) => group === name, noGroup(name));
    await deleted;
  }

  listGroups(): Promise<readonly GroupConfig[]> {
    return Promise.resolve([...this.metadata.groups.values()]);
  }

  filterFaults(): Promise<readonly FilterFault[]> {
    return Promise.resolve(this.faults.list());
  }

  findMessages(search: MessageSearch): Promise<FoundMessages> {
    const { store, settings } = this.parts;
    return findMessages(store, this.metadata.topics, settings.brokerName, search);
  }

  /** Messages that retention has removed before the group had them, since the broker began. */
  expiredMessages(group: string): number {
    return [...this.book.topicsOf(group)].reduce((sum, { expired }) => sum + expired, 0);
  }

  /** Where the newest whole snapshot of the views lies in the log; 0 and 0 without one. */
  get snapshotPlace(): { readonly begin: number; readonly end: number } {
    return this.views.snapshotPlace;
  }

  /** Tells name servers that the broker goes. */
  async unregister(): Promise<void> {
    const { lease } = this;
    this.growth.unfollow();
    this.lease = undefined;
    await lease?.close();
  }

  /** Unregisters, ends waiting polls, snapshots the views. The store is the caller's to close. */
  async close(): Promise<void> {
    await this.unregister();
    const { brokerName } = this.parts.settings;
    const stopping = new NotMasterError(`broker ${brokerName} is stopping`);
    this.pops.endPolls(() => true, stopping);
    this.offsets.endPulls(undefined, stopping);
    await this.growth.close();
    this.lite.close();
    this.duplicates.close();
    this.transactions.close();
    await this.timer.close();
    await this.views.settled();
    if (this.parts.store.failure === undefined) await this.views.snapshot();
    await this.exchange.stop(this.timer);
    this.book.close();
  }

  private async changeTopic(
    config: TopicConfig,
    adopted: boolean,
    groups: readonly string[] = [],
  ): Promise<void> {
    const log = (topic: StoredTopic): Promise<void> =>
      this.metadata.change({ kind: 'topic', topic });
    await this.growth.change(config, log, adopted);
    // Before anybody can know that messages may be sent here.
    await this.starts.follow(groups, config.name);
    await this.announce();
  }

  /** Makes a topic of one queue unless there is one of that name. */
  private async ensureTopic(name: string): Promise<void> {
    if (this.metadata.topics.has(name)) return;
    const topic = { name, type: 'NORMAL', queues: 1 } as const;
    await this.makingTopics.once(name, () => this.putTopic(topic));
  }

  private topic(name: string): TopicConfig {
    const topic = this.metadata.topics.get(name);
    if (topic === undefined) throw noTopic(name);
    return topic;
  }

  private registration(): BrokerRegistration {
    const { address } = this;
    const { brokerName, cluster } = this.parts.settings;
    return {
      cluster,
      brokerName,
      brokerId: 0,
      address,
      epoch: this.epoch,
      version: this.version,
      topics: [...this.metadata.topics.values()],
      ...(this.metadata.draining ? { draining: true } : {}),
    };
  }

  private async announce(): Promise<void> {
    this.version++;
    await this.lease?.update(this.registration());
  }
}
