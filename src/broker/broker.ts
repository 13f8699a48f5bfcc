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
import type { FinishedQueue } from '../api/replication-api';
import type { BrokerRegistration, RegistrationLease, RouteApi } from '../api/route-api';
import type { OffsetApi } from '../api/offset-api';
import type { GroupConfig, TopicConfig } from '../api/topic';
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
import { Exchange } from './exchange/exchange';
import { Growth } from './growth/growth';
import { Inspector } from './inspector';
import { findMessages } from './message-finder';
import { GroupStarts } from './group-starts';
import { LiteTopics } from './lite/lite-topics';
import { Making } from './making';
import { Metadata, type StoredTopic } from './metadata';
import { CarryOver } from './carry-over';
import { Delivery, fifoIn, type Ledgers, makeLedgers } from './delivery';
import { loadHandleKeys } from './pop/handle-keys';
import { DeadLetterService } from './pop/dead-letter-service';
import { logSink } from './pop/ledger-sink';
import { Removal } from './removal';
import { TakeBack } from './stand-in/take-back';
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
    private readonly ledgers: Ledgers,
    private readonly views: Views,
    private readonly exchange: Exchange,
    private readonly delivery: Delivery,
    private readonly deadLetters: DeadLetterService,
    private readonly duplicates: DuplicateWindow,
    readonly transactions: Transactions,
    private readonly timer: Timer,
    private readonly growth: Growth,
    readonly inspect: Inspector,
    private readonly starts: GroupStarts,
    private readonly lite: LiteTopics,
    private readonly waits: WriteWaits,
    private readonly takeBack: TakeBack,
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
    const waits = parts.waits ?? diskWaits(store);
    const sink = logSink(store, platform.clock, waits);
    const ledgers = makeLedgers(platform, settings, metadata, sink);
    const { book, log, events } = ledgers;
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
    const isFifo = fifoIn(metadata);
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
      opened: (ready) => pops.becameReady(ready),
    });
    const lite: LiteTopics = new LiteTopics({
      ...{ store, book, log, metadata, platform, settings },
      becameReady: (ready) => pops.becameReady(ready),
    });
    const starts = new GroupStarts({ store, metadata, book, log, growth, settings });
    const delivery: Delivery = new Delivery({
      ...{ store, platform, logger, settings, metadata, ledgers, keys, beginsRetries: true },
      begun: (...names) => starts.begun(...names),
      queuesOf: (asked, clientId) => {
        const topic = metadata.topics.get(asked.topic);
        if (topic?.type === 'LITE') return lite.queuesOf(asked.topic, clientId);
        return growth.openQueues(asked, topic);
      },
    });
    const { pops, handles } = delivery;
    const deadLetters = new DeadLetterService({ store, book, log, handles, logger, ensureTopic });
    events.ready = (ready) => {
      pops.becameReady(ready);
      growth.moved(ready);
    };
    const takeBack = new TakeBack({
      ...{ store, book, log, isFifo, logger, timers: platform.timers },
      becameReady: (ready) => events.ready(ready),
    });
    events.exhausted = (...message) => deadLetters.exhausted(...message);
    await duplicates.load(metadata.topics.values());
    const inspect = new Inspector({
      ...{ store, book, log, topics: metadata.topics, groups: metadata.groups },
      ...{ brokerName: settings.brokerName, timers: platform.timers },
      lite: (topic) => metadata.liteTable(topic),
      delayed: (topic) => timer.waitingFor(topic),
      transactions: () => transactions.pendingByTopic(),
      endPolls: (gone, error) => pops.endPolls((asked) => asked === gone, error),
    });
    await exchange.start(timer);
    timer.start();
    const broker: Broker = new Broker(
      ...([parts, metadata, ledgers, views, exchange, delivery, deadLetters] as const),
      ...([duplicates, transactions, timer, growth, inspect, starts, lite, waits] as const),
      takeBack,
    );
    opened.broker = broker;
    await transactions.begin();
    return broker;
  }

  get offsets(): OffsetApi {
    return this.delivery.offsets;
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
    const { retries, running } = this.delivery;
    return running.run(request.clientId, caller, async (signal) => {
      this.topic(request.topic);
      const { group, topic, clientId } = request;
      const ledgers =
        this.ledgers.book.find(group, topic) ?? (await this.starts.begun(group, topic, clientId));
      this.views.snapshotIfDue(this.parts.settings.snapshotEveryBytes);
      return retries.pop(ledgers, request, signal);
    });
  }

  ack(request: AckRequest): Promise<readonly EntryStatus[]> {
    return this.delivery.ack(request);
  }

  changeInvisible(request: ChangeInvisibleRequest): Promise<string> {
    return this.delivery.changeInvisible(request);
  }

  forwardToDeadLetterQueue(request: ForwardRequest): Promise<void> {
    return this.deadLetters.forward(this.delivery.retries.routed(request));
  }

  release(request: AckRequest): Promise<void> {
    return this.delivery.release(request);
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
    this.ledgers.book.clients.heard(clientId);
    return Promise.resolve();
  }

  clientGone(clientId: string): Promise<void> {
    this.delivery.running.endClient(clientId);
    this.lite.clientGone(clientId);
    return this.delivery.finishing.releaseClient(clientId);
  }

  async probe(): Promise<void> {
    const { failure } = this.parts.store;
    if (failure !== undefined) throw failure;
    await this.ledgers.log.written();
  }

  async putTopic(config: TopicConfig, groups: readonly string[] = []): Promise<void> {
    checkTopicConfig(config);
    await this.changeTopic(config, false, groups);
  }

  async deleteTopic(name: string): Promise<void> {
    for (let change; (change = this.growth.changeOf(name)) !== undefined;) await change;
    this.topic(name);
    const deleted = this.metadata.change({ kind: 'topic-deleted', name });
    const { faults, pops, offsets } = this.delivery;
    this.ledgers.book.dropTopic(name);
    this.growth.dropped(name);
    this.lite.dropTopic(name);
    faults.forget(({ topic }) => topic === name);
    pops.endPolls(({ topic }) => topic === name, noTopic(name));
    offsets.endPulls(name, noTopic(name));
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
    const { faults, pops } = this.delivery;
    this.ledgers.book.dropGroup(name);
    faults.forget(({ group }) => group === name);
    pops.endPolls(({ group }) => group === name, noGroup(name));
    await deleted;
  }

  listGroups(): Promise<readonly GroupConfig[]> {
    return Promise.resolve([...this.metadata.groups.values()]);
  }

  filterFaults(): Promise<readonly FilterFault[]> {
    return Promise.resolve(this.delivery.faults.list());
  }

  findMessages(search: MessageSearch): Promise<FoundMessages> {
    const { store, settings } = this.parts;
    return findMessages(store, this.metadata.topics, settings.brokerName, search);
  }

  /** Messages that retention has removed before the group had them, since the broker began. */
  expiredMessages(group: string): number {
    return [...this.ledgers.book.topicsOf(group)].reduce((sum, { expired }) => sum + expired, 0);
  }

  /** See `Finished`; on stable storage when it resolves. */
  takeFinished(queues: readonly FinishedQueue[]): Promise<void> {
    return this.takeBack.take(queues);
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

  /**
   * Unregisters, ends waiting polls, snapshots the views. The store is the caller's to close.
   * @param handsOver whether another broker waits for the end of this one, to go on: the directory is then not made ready
   *   for Apache RocketMQ. Default false
   */
  async close(handsOver = false): Promise<void> {
    await this.unregister();
    const { brokerName } = this.parts.settings;
    this.delivery.close(new NotMasterError(`broker ${brokerName} is stopping`));
    await this.growth.close();
    this.lite.close();
    this.duplicates.close();
    this.transactions.close();
    await this.timer.close();
    await this.views.settled();
    if (this.parts.store.failure === undefined) await this.views.snapshot();
    if (handsOver) await this.exchange.end();
    else await this.exchange.stop(this.timer);
    this.ledgers.book.close();
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
