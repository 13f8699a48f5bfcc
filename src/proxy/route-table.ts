/** Which brokers hold a topic, as the name servers say; kept by a watch. */
import { byBrokerName } from '../api/by-broker-name';
import type { BrokerRegistration, RouteApi, RouteWatch } from '../api/route-api';
import type { BrokerQueues, TopicConfig, TopicType } from '../api/topic';
import { Code, StatusError } from '../message/status';
import type { Platform, TimerHandle } from '../platform/platform';
import { MessageGroupOrder, type HeldTopic } from './message-group-order';

export interface TopicRoute {
  readonly name: string;
  readonly type: TopicType;
  /** Sorted by broker name; never empty. */
  readonly brokers: readonly BrokerQueues[];
  /** Those of them that take new messages. */
  readonly writable: readonly BrokerQueues[];
  /** Of a LITE topic: see `TopicConfig`. */
  readonly liteIdleMs?: number;
  /** How many queues these have. */
  readonly totalQueues: number;
  /** Where each message group lies, on a broker that is there or not. */
  readonly order: MessageGroupOrder;
}

interface KnownBroker {
  readonly registration: BrokerRegistration;
  readonly topics: ReadonlyMap<string, TopicConfig>;
  /** Since when name servers do not name it any more, monotonic ms; `undefined` while they do. */
  readonly awaySinceMs: number | undefined;
}

/** The id that the broker of a name registers with which leads. */
const MASTER_ID = 0;

interface Waiter {
  readonly topic: string;
  /** A route that does not count. */
  readonly unlike: TopicRoute | undefined;
  readonly timer: TimerHandle;
  readonly resolve: (route: TopicRoute) => void;
}

/** Waits for topics just made, at most; beyond: TOO_MANY_REQUESTS. */
const MAX_WAITERS = 10_000;
/** Routes put together, at most; beyond they are put together again. */
const MAX_ROUTES = 100_000;

export class RouteTable {
  private readonly watch: RouteWatch;
  /** All that the name servers know, followers too. */
  registrations: readonly BrokerRegistration[] = [];
  /** Sorted by name; also those that have been away for less than `lingerMs`. */
  private brokers: readonly KnownBroker[] = [];
  /** Runs while brokers are away. */
  private forgetting: TimerHandle | undefined;
  /** Routes put together since the last change. */
  private readonly routes = new Map<string, TopicRoute>();
  private readonly waiters = new Set<Waiter>();
  private readonly known: Promise<void>;

  /**
   * @param lingerMs how long a broker that has left the routes counts as one that holds its topics: clients that were told
   *   otherwise would leave its queues, and come back to them late
   * @param onMasters told the masters after each change, sorted by name
   */
  constructor(
    routes: RouteApi,
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    private readonly lingerMs: number,
    onMasters: (masters: readonly BrokerRegistration[]) => void,
  ) {
    let firstMaster: () => void = () => undefined;
    this.known = new Promise((resolve) => (firstMaster = resolve));
    this.watch = routes.watch((registrations) => {
      this.update(registrations);
      onMasters(this.masters);
      if (this.brokers.length > 0) firstMaster();
      this.wake();
    });
  }

  /** Resolves when at least one master is known. */
  whenKnown(): Promise<void> {
    return this.known;
  }

  /** The masters that name servers name now, or replicas in their place, sorted by name. */
  get masters(): readonly BrokerRegistration[] {
    return this.brokers
      .filter(({ awaySinceMs }) => awaySinceMs === undefined)
      .map(({ registration }) => registration);
  }

  /** Whether a broker takes no new messages. */
  isDraining(brokerName: string): boolean {
    return this.brokers.some(
      ({ registration: one }) => one.brokerName === brokerName && one.draining === true,
    );
  }

  /** Whether it takes no new messages because its master is away, and a replica serves reads. */
  standsIn(brokerName: string): boolean {
    return this.brokers.some(
      ({ registration: one }) => one.brokerName === brokerName && one.standIn !== undefined,
    );
  }

  /** Whether a broker is in routes to receive from only. */
  isReadOnly(brokerName: string): boolean {
    return this.isDraining(brokerName) || this.standsIn(brokerName);
  }

  /**
   * Broker groups of which name servers know replicas, and this proxy has seen no master, or none for long: what topics
   * they hold is for their next master to say.
   */
  leaderless(): readonly string[] {
    const known = new Set(this.brokers.map(({ registration }) => registration.brokerName));
    const names = this.registrations.map(({ brokerName }) => brokerName);
    return [...new Set(names.filter((name) => !known.has(name)))];
  }

  /** All topics of the masters, sorted. */
  topicNames(): readonly string[] {
    return [...new Set(this.brokers.flatMap(({ topics }) => [...topics.keys()]))].toSorted();
  }

  find(topic: string): TopicRoute | undefined {
    const found = this.routes.get(topic);
    if (found !== undefined) return found;
    const route = this.putTogether(topic);
    if (route === undefined) return undefined;
    if (this.routes.size >= MAX_ROUTES) this.routes.clear();
    this.routes.set(topic, route);
    return route;
  }

  /** @throws StatusError TOPIC_NOT_FOUND; PROXY_TIMEOUT while no broker is known, or a group has no master that could hold it */
  get(topic: string): TopicRoute {
    const route = this.find(topic);
    if (route === undefined) throw this.noRoute(topic);
    return route;
  }

  /** The route of a topic that was just made. @throws StatusError as `get`, after `limitMs` */
  waitFor(topic: string, limitMs: number): Promise<TopicRoute> {
    return this.waitForOther(topic, undefined, limitMs);
  }

  /**
   * The route of a topic, once it is another one than `unlike`.
   * @throws StatusError after `limitMs`: PROXY_TIMEOUT when it is still that one, else as `get`
   */
  waitForOther(
    topic: string,
    unlike: TopicRoute | undefined,
    limitMs: number,
  ): Promise<TopicRoute> {
    const route = this.find(topic);
    if (route !== undefined && route !== unlike) return Promise.resolve(route);
    if (this.waiters.size >= MAX_WAITERS) {
      return Promise.reject(
        new StatusError(
          Code.TOO_MANY_REQUESTS,
          `flow limit: ${MAX_WAITERS} requests wait for new topics`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const timer = this.platform.timers.after(limitMs, () => {
        this.waiters.delete(waiter);
        reject(this.find(topic) === undefined ? this.noRoute(topic) : unchanged(topic, limitMs));
      });
      const waiter: Waiter = { topic, unlike, timer, resolve };
      this.waiters.add(waiter);
    });
  }

  close(): void {
    this.watch.close();
    this.forgetting?.cancel();
    for (const { timer } of this.waiters) timer.cancel();
    this.waiters.clear();
  }

  private update(registrations: readonly BrokerRegistration[]): void {
    this.registrations = registrations;
    const before = new Map(this.brokers.map((broker) => [broker.registration.brokerName, broker]));
    const there = new Map<string, KnownBroker>();
    for (const registration of serving(registrations)) {
      const { brokerName } = registration;
      const known = before.get(brokerName);
      const isSame = known?.registration === registration && known.awaySinceMs === undefined;
      there.set(brokerName, isSame ? known : newlyKnown(registration));
    }
    const awaySinceMs = this.platform.clock.monotonicMs();
    for (const [brokerName, broker] of before) {
      if (there.has(brokerName)) continue;
      there.set(brokerName, broker.awaySinceMs === undefined ? { ...broker, awaySinceMs } : broker);
    }
    this.replace([...there.values()]);
  }

  /** Leaves out those that have been away for too long. */
  private replace(brokers: readonly KnownBroker[]): void {
    const nowMs = this.platform.clock.monotonicMs();
    const forgetAtMs = ({ awaySinceMs = Infinity }: KnownBroker): number =>
      awaySinceMs + this.lingerMs;
    this.brokers = brokers
      .filter((broker) => forgetAtMs(broker) > nowMs)
      .toSorted((a, b) => byBrokerName(a.registration, b.registration));
    this.routes.clear();
    this.forgetting?.cancel();
    const nextMs = Math.min(...this.brokers.map(forgetAtMs));
    if (nextMs === Infinity) return;
    this.forgetting = this.platform.timers.after(nextMs - nowMs, () => this.replace(this.brokers));
  }

  private wake(): void {
    for (const waiter of this.waiters) {
      const route = this.find(waiter.topic);
      if (route === undefined || route === waiter.unlike) continue;
      this.waiters.delete(waiter);
      waiter.timer.cancel();
      waiter.resolve(route);
    }
  }

  private putTogether(name: string): TopicRoute | undefined {
    const held: HeldTopic[] = [];
    for (const { registration, topics } of this.brokers) {
      const topic = topics.get(name);
      if (topic === undefined || topic.queues < 1) continue;
      held.push({ brokerName: registration.brokerName, topic });
    }
    const type = held[0]?.topic.type;
    if (type === undefined) return undefined;
    const brokers = held.map(({ brokerName, topic: { queues } }) => ({ brokerName, queues }));
    const writable = brokers.filter(({ brokerName }) => !this.isReadOnly(brokerName));
    const totalQueues = writable.reduce((sum, { queues }) => sum + queues, 0);
    const liteIdleMs = held.find(({ topic }) => topic.liteIdleMs !== undefined)?.topic.liteIdleMs;
    let order: MessageGroupOrder | undefined;
    return {
      ...{ name, type, brokers, writable, totalQueues },
      ...(liteIdleMs === undefined ? {} : { liteIdleMs }),
      get order() {
        return (order ??= MessageGroupOrder.of(held));
      },
    };
  }

  private noRoute(topic: string): StatusError {
    if (this.brokers.length === 0) {
      const text = `no broker is known at present that could hold topic ${topic}`;
      return new StatusError(Code.PROXY_TIMEOUT, text);
    }
    const away = this.leaderless();
    if (away.length > 0) return mayHold(away, topic);
    const text = `No topic route info in name server for the topic: ${topic}`;
    return new StatusError(Code.TOPIC_NOT_FOUND, text);
  }
}

/** Who serves each broker name: its master, or else the replica that stands in with the most of its log. */
function serving(registrations: readonly BrokerRegistration[]): Iterable<BrokerRegistration> {
  const best = new Map<string, BrokerRegistration>();
  for (const one of registrations) {
    if (one.brokerId !== MASTER_ID && one.standIn === undefined) continue;
    const other = best.get(one.brokerName);
    if (other === undefined || goesBefore(one, other)) best.set(one.brokerName, one);
  }
  return best.values();
}

function goesBefore(one: BrokerRegistration, other: BrokerRegistration): boolean {
  if (one.brokerId === MASTER_ID || other.brokerId === MASTER_ID) return one.brokerId === MASTER_ID;
  const [has, hasOther] = [one, other].map(({ standIn }) => standIn?.confirmedPosition ?? 0);
  return has === hasOther ? one.brokerId < other.brokerId : Number(has) > Number(hasOther);
}

/** Some groups have no master, and may hold a topic that nobody else has. */
export function mayHold(brokerNames: readonly string[], topic: string): StatusError {
  const names = brokerNames.join(', ');
  const text = `no master is known at present of ${names}, which may hold topic ${topic}`;
  return new StatusError(Code.PROXY_TIMEOUT, text);
}

function unchanged(topic: string, limitMs: number): StatusError {
  return new StatusError(
    Code.PROXY_TIMEOUT,
    `the route of topic ${topic} has not changed within ${Math.round(limitMs)} ms`,
  );
}

function newlyKnown(registration: BrokerRegistration): KnownBroker {
  const topics = new Map(registration.topics.map((topic) => [topic.name, topic]));
  return { registration, topics, awaySinceMs: undefined };
}
