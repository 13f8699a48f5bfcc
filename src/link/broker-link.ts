// long: one entry for each method of the interface.
/** The proxy's way to one broker: keeps a session up, and turns `BrokerApi` into calls on it. */
import type {
  AckRequest,
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
import type { BrokerConnection } from '../api/broker-dialer';
import { BrokerUnreachableError } from '../api/broker-unreachable';
import type { ReplicasApi } from '../api/cluster-api';
import type { DelayedMessages, ListDelayedRequest, RecallRequest } from '../api/delayed-api';
import type { BrokerRegistration } from '../api/route-api';
import type { SyncLiteRequest } from '../api/lite-api';
import type { FoundMessages, MessageSearch } from '../api/message-search';
import type { InspectApi } from '../api/inspect-api';
import type { OffsetApi } from '../api/offset-api';
import type { GroupConfig, TopicConfig } from '../api/topic';
import type { TransactionApi } from '../api/transaction-api';
import { Code, StatusError } from '../message/status';
import type { Platform, TimerHandle } from '../platform/platform';
import { Backoff } from './backoff';
import type { BrokerMethod } from './broker-method';
import { brokerMethods } from './broker-methods';
import { BrokerSession, type LinkPipe, type SessionOwner } from './broker-session';
import type { LinkLimits } from './link-limits';
import type { LinkLog } from './log';

export interface BrokerLinkOptions {
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random'>;
  readonly log: LinkLog;
  readonly limits: LinkLimits;
  /** Opens a stream to the broker. */
  readonly connect: () => LinkPipe;
}

/** A call that waits for the session. */
interface Waiter {
  start(session: BrokerSession): void;
  fail(error: StatusError): void;
}

export class BrokerLink implements BrokerConnection {
  private readonly methods = brokerMethods();
  readonly transactions: TransactionApi = {
    prepare: (request) => this.call(this.methods.prepare, request),
    endTransaction: (request) => this.call(this.methods.endTransaction, request),
    takeChecks: (request, signal) =>
      this.call(this.methods.takeChecks, request, request.pollMs, signal),
    reportChecks: (outcomes) => this.call(this.methods.reportChecks, outcomes),
    listTransactions: (request) => this.call(this.methods.listTransactions, request),
  };
  readonly offsets: OffsetApi = {
    pull: async (request, signal) =>
      signal.aborted ? undefined : this.call(this.methods.pull, request, request.pollMs, signal),
    get: (request) => this.call(this.methods.getOffset, request),
    update: (request) => this.call(this.methods.updateOffset, request),
    query: (request) => this.call(this.methods.queryOffset, request),
    reset: (request) => this.call(this.methods.resetOffset, request),
  };
  readonly inspect: InspectApi = {
    topicStatus: (topic) => this.call(this.methods.describeTopic, topic),
    groupLag: (request) => this.call(this.methods.groupLag, request),
    begun: (of) => this.call(this.methods.listBegun, of),
    forget: (of) => this.call(this.methods.forgetGroup, of),
    holdings: () => this.call(this.methods.listHoldings, undefined),
  };
  readonly replicas: ReplicasApi = {
    status: () => this.call(this.methods.describeReplication, undefined),
    handOver: (to) => this.call(this.methods.handOver, { brokerName: '', to }),
  };
  private readonly owner: SessionOwner;
  private readonly backoff: Backoff;
  /** The newest session, greeted or not. */
  private latest: BrokerSession | undefined;
  /** The session that takes calls. */
  private session: BrokerSession | undefined;
  private readonly waiters = new Set<Waiter>();
  /** Runs while calls still wait for the session to come back. */
  private outage: TimerHandle | undefined;
  private closed = false;
  /** Whether it was told why the broker is not reachable: the next attempts end the same way. */
  private told = false;

  constructor(
    broker: BrokerRegistration,
    private readonly options: BrokerLinkOptions,
  ) {
    const { platform, limits, log } = options;
    const brokerText = `${broker.brokerName}/${broker.brokerId} at ${broker.address}`;
    this.backoff = new Backoff(platform);
    this.owner = {
      platform,
      limits,
      brokerName: broker.brokerName,
      brokerId: broker.brokerId,
      brokerText,
      api: this,
      up: (session) => this.up(session),
      leaving: (session) => this.lose(session, 'it stops'),
      down: (session, reason) => this.down(session, reason),
      giveBackFailed: (error) => {
        log.warn(
          { err: error, broker: brokerText },
          'a message that nobody waited for was not given back',
        );
      },
    };
    this.startOutage();
    this.connect();
  }

  send(request: SendRequest): Promise<SendResult> {
    return this.call(this.methods.send, request);
  }

  recall(request: RecallRequest): Promise<void> {
    return this.call(this.methods.recall, request);
  }

  listDelayed(request: ListDelayedRequest): Promise<DelayedMessages> {
    return this.call(this.methods.listDelayed, request);
  }

  async pop(request: PopRequest, signal: AbortSignal): Promise<PopResult> {
    if (signal.aborted) return [];
    return this.call(this.methods.pop, request, request.pollMs, signal);
  }

  ack(request: AckRequest): Promise<readonly EntryStatus[]> {
    return this.call(this.methods.ack, request);
  }

  changeInvisible(request: ChangeInvisibleRequest): Promise<string> {
    return this.call(this.methods.changeInvisible, request);
  }

  forwardToDeadLetterQueue(request: ForwardRequest): Promise<void> {
    return this.call(this.methods.forwardToDeadLetterQueue, request);
  }

  release(request: AckRequest): Promise<void> {
    return this.call(this.methods.release, request);
  }

  subscribe(request: SubscribeRequest): Promise<GroupConfig> {
    return this.call(this.methods.subscribe, request);
  }

  syncLite(request: SyncLiteRequest): Promise<readonly string[]> {
    return this.call(this.methods.syncLite, request);
  }

  groupProgress(request: ProgressRequest, signal: AbortSignal): Promise<GroupProgress> {
    return this.call(this.methods.groupProgress, request, request.pollMs, signal);
  }

  clientSeen(clientId: string): Promise<void> {
    return this.call(this.methods.clientSeen, clientId);
  }

  clientGone(clientId: string): Promise<void> {
    return this.call(this.methods.clientGone, clientId);
  }

  probe(): Promise<void> {
    return this.call(this.methods.probe, undefined);
  }

  putTopic(topic: TopicConfig, groups: readonly string[] = []): Promise<void> {
    return this.call(this.methods.putTopic, { topic, groups });
  }

  deleteTopic(name: string): Promise<void> {
    return this.call(this.methods.deleteTopic, name);
  }

  listTopics(): Promise<readonly TopicConfig[]> {
    return this.call(this.methods.listTopics, undefined);
  }

  setDraining(draining: boolean): Promise<void> {
    return this.call(this.methods.setDraining, draining);
  }

  putGroup(config: GroupConfig): Promise<void> {
    return this.call(this.methods.putGroup, config);
  }

  deleteGroup(name: string): Promise<void> {
    return this.call(this.methods.deleteGroup, name);
  }

  listGroups(): Promise<readonly GroupConfig[]> {
    return this.call(this.methods.listGroups, undefined);
  }

  filterFaults(): Promise<readonly FilterFault[]> {
    return this.call(this.methods.filterFaults, undefined);
  }

  findMessages(search: MessageSearch): Promise<FoundMessages> {
    return this.call(this.methods.findMessages, search);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.backoff.stop();
    this.outage?.cancel();
    this.outage = undefined;
    this.failWaiters();
    this.session = undefined;
    this.latest?.end('this side closed the link');
  }

  /** Hot path. */
  private call<Q, A>(
    method: BrokerMethod<Q, A>,
    request: Q,
    waitMs?: number,
    signal?: AbortSignal,
  ): Promise<A> {
    if (this.session !== undefined) return this.session.call(method, request, waitMs, signal);
    if (this.outage === undefined) return Promise.reject(this.unreachable());
    if (this.waiters.size >= this.options.limits.callsMax) {
      const text = `${this.waiters.size} calls wait for broker ${this.owner.brokerText}, the limit is ${this.options.limits.callsMax}`;
      return Promise.reject(new StatusError(Code.TOO_MANY_REQUESTS, text));
    }
    return new Promise<A>((resolve, reject) => {
      const onAbort = (): void => {
        this.waiters.delete(waiter);
        if (method.parking !== undefined) resolve(method.parking.stopped);
      };
      const waiter: Waiter = {
        start: (session) => {
          signal?.removeEventListener('abort', onAbort);
          session.call(method, request, waitMs, signal).then(resolve, reject);
        },
        fail: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort);
      this.waiters.add(waiter);
    });
  }

  private connect(): void {
    if (this.closed) return;
    this.latest = new BrokerSession(this.owner, this.options.connect());
  }

  private up(session: BrokerSession): void {
    this.backoff.reset();
    this.told = false;
    this.outage?.cancel();
    this.outage = undefined;
    this.session = session;
    this.options.log.info({ broker: this.owner.brokerText }, 'link to broker up');
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const waiter of waiters) waiter.start(session);
  }

  /** A session takes no calls any more. One that leaves still answers those that it has. */
  private lose(session: BrokerSession, reason: string): void {
    if (session === this.session) {
      this.session = undefined;
      this.options.log.warn({ broker: this.owner.brokerText, reason }, 'link to broker down');
      if (!this.closed) this.startOutage();
    }
    if (session !== this.latest) return;
    this.latest = undefined;
    if (!this.closed) this.backoff.retry(() => this.connect());
  }

  private down(session: BrokerSession, reason: string): void {
    if (session === this.latest && session !== this.session) {
      const details = { broker: this.owner.brokerText, reason };
      if (this.told) this.options.log.debug(details, 'broker is still not reachable');
      else this.options.log.warn(details, 'broker is not reachable');
      this.told = true;
    }
    this.lose(session, reason);
  }

  private startOutage(): void {
    this.outage?.cancel();
    this.outage = this.options.platform.timers.after(this.options.limits.outageMs, () => {
      this.outage = undefined;
      this.failWaiters();
    });
  }

  private failWaiters(): void {
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const waiter of waiters) waiter.fail(this.unreachable());
  }

  private unreachable(): StatusError {
    return new BrokerUnreachableError(this.owner.brokerText);
  }
}
