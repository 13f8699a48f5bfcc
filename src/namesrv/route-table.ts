/**
 * The name server: which brokers live, and which topics they hold. All in memory; a restarted name
 * server knows nothing until the brokers have registered again.
 *
 *     attach / update / detach ──> entries (brokerName, brokerId) ──> observers, each with its acknowledgement
 *                     keepAlive ──> heardMs <── one timer for the next silence
 */
import type { BrokerRegistration, RegistrationLease, RouteApi, RouteWatch } from '../api/route-api';
import type {
  AttachOptions,
  RouteChange,
  RouteEntry,
  RouteObserver,
  RouteRegistry,
} from '../api/route-registry';
import { Code, StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import { LostMasters } from './lost-masters';
import { ReturningMasters } from './returning-masters';
import { SilenceTimer } from './silence-timer';

export interface RouteTableLimits {
  /** A remote broker that gives no sign of life for this long is gone; so long a lost master keeps older ones out, milliseconds. */
  readonly silenceMs: number;
  /** Longest wait for observers to acknowledge a change, milliseconds. */
  readonly acknowledgeMs: number;
  readonly brokersMax: number;
  /** Topics of one broker. */
  readonly topicsMax: number;
  readonly observersMax: number;
}

export const ROUTE_TABLE_LIMITS: RouteTableLimits = {
  silenceMs: 120_000,
  acknowledgeMs: 2_000,
  brokersMax: 1_024,
  topicsMax: 100_000,
  observersMax: 4_096,
};

interface Place {
  registration: BrokerRegistration;
  heardMs: number;
  readonly displaced: ((reason: string) => void) | undefined;
}

/** The id that the broker of a name registers with which leads. */
const MASTER_ID = 0;

type Sink = (change: RouteChange) => Promise<void> | void;

export class RouteTable implements RouteApi, RouteRegistry {
  private readonly places = new Map<string, Place>();
  /** Those of other processes: only they can fall silent. */
  private readonly remote = new Set<Place>();
  private readonly observers = new Set<{ readonly sink: Sink; readonly closed: () => void }>();
  private readonly silence: SilenceTimer<Place>;
  private readonly lostMasters: LostMasters;
  private readonly returning: ReturningMasters<Place>;
  private readonly limits: RouteTableLimits;
  private readonly startedMs: number;

  constructor(
    private readonly platform: Pick<Platform, 'clock' | 'timers'>,
    limits: Partial<RouteTableLimits> = {},
  ) {
    this.limits = { ...ROUTE_TABLE_LIMITS, ...limits };
    this.startedMs = platform.clock.monotonicMs();
    const { silenceMs, brokersMax } = this.limits;
    this.lostMasters = new LostMasters(platform.clock, silenceMs, brokersMax);
    this.returning = new ReturningMasters(platform.timers);
    this.silence = new SilenceTimer(platform, silenceMs, this.remote, (place) => {
      void this.lose(place);
    });
  }

  get ageMs(): number {
    return this.platform.clock.monotonicMs() - this.startedMs;
  }

  brokers(): readonly BrokerRegistration[] {
    return [...this.places.values()]
      .filter((place) => !this.returning.has(place))
      .map((place) => place.registration)
      .sort((a, b) => compareText(a.brokerName, b.brokerName) || a.brokerId - b.brokerId);
  }

  /** Live brokers that hold a topic, by name, then id. */
  brokersOf(topic: string): readonly BrokerRegistration[] {
    return this.brokers().filter((broker) => broker.topics.some(({ name }) => name === topic));
  }

  attach(registration: BrokerRegistration, { remote, displaced }: AttachOptions): RouteEntry {
    this.check(registration);
    const key = keyOf(registration);
    const before = this.places.get(key);
    this.checkMaster(registration, before?.registration);
    if (before === undefined && this.places.size >= this.limits.brokersMax) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `broker ${nameOf(registration)} is one too many: the name server holds at most ${this.limits.brokersMax} brokers`,
      );
    }
    if (before !== undefined) {
      checkEpoch(registration, before.registration.epoch);
      this.remote.delete(before);
    }
    const place = { registration, heardMs: this.platform.clock.monotonicMs(), displaced };
    this.places.set(key, place);
    const unseen = before === undefined || this.returning.release(before);
    before?.displaced?.(
      `broker ${nameOf(registration)} has registered with epoch ${registration.epoch} from ${registration.address}`,
    );
    if (remote) {
      this.remote.add(place);
      this.silence.start();
    }
    if (unseen && registration.brokerId === MASTER_ID && this.hasStandIn(registration.brokerName)) {
      this.returning.hold(place, () => void this.show(place));
    }
    return {
      inForce: this.show(place),
      update: (next) => this.update(place, next),
      keepAlive: () => {
        place.heardMs = this.platform.clock.monotonicMs();
        return this.places.get(key) === place;
      },
      detach: () => this.remove(place),
      broken: () => this.lose(place),
    };
  }

  observe(observer: RouteObserver): RouteWatch {
    if (this.observers.size >= this.limits.observersMax) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `the name server serves at most ${this.limits.observersMax} watchers`,
      );
    }
    const member = {
      sink: (change: RouteChange) => observer.changed(change),
      closed: () => observer.closed?.(),
    };
    this.observers.add(member);
    return { close: () => void this.observers.delete(member) };
  }

  /** In one process a broker does not fall silent: it stays until its lease is closed. */
  async register(registration: BrokerRegistration): Promise<RegistrationLease> {
    const entry = this.attach(registration, { remote: false });
    await entry.inForce;
    return { update: (next) => entry.update(next), close: () => entry.detach() };
  }

  watch(listener: (brokers: readonly BrokerRegistration[]) => void): RouteWatch {
    const watch = this.observe({ changed: () => listener(this.brokers()) });
    listener(this.brokers());
    return watch;
  }

  /** Forgets all brokers without telling the observers of each, and ends the observers. */
  close(): void {
    this.silence.stop();
    this.returning.close();
    this.places.clear();
    this.remote.clear();
    const observers = [...this.observers];
    this.observers.clear();
    for (const observer of observers) observer.closed();
  }

  private async update(place: Place, next: BrokerRegistration): Promise<void> {
    this.check(next);
    const { registration } = place;
    if (this.places.get(keyOf(registration)) !== place) {
      throw new StatusError(
        Code.FORBIDDEN,
        `broker ${nameOf(registration)} is not registered any more: it was silent, or another process took its place`,
      );
    }
    if (keyOf(next) !== keyOf(registration)) {
      throw new StatusError(
        Code.BAD_REQUEST,
        `broker ${nameOf(registration)} cannot register as ${nameOf(next)}`,
      );
    }
    checkEpoch(next, registration.epoch);
    place.registration = next;
    place.heardMs = this.platform.clock.monotonicMs();
    this.showReturned(next.brokerName);
    await this.show(place);
  }

  /** Tells of a broker, unless it waits for its stand-in. */
  private async show(place: Place): Promise<void> {
    if (this.returning.has(place)) return;
    await this.publish({ kind: 'put', broker: place.registration });
  }

  /** Tells of a master that has waited for its stand-in, when there is none any more: before that one's own change. */
  private showReturned(brokerName: string): void {
    const master = this.places.get(keyOf({ brokerName, brokerId: MASTER_ID }));
    if (master === undefined || !this.returning.has(master) || this.hasStandIn(brokerName)) return;
    this.returning.release(master);
    void this.show(master);
  }

  private hasStandIn(brokerName: string): boolean {
    for (const { registration } of this.places.values()) {
      if (registration.brokerName === brokerName && registration.standIn !== undefined) return true;
    }
    return false;
  }

  private lose(place: Place): Promise<void> {
    const { brokerName, brokerId, epoch } = place.registration;
    const there = this.places.get(keyOf(place.registration)) === place;
    if (brokerId === MASTER_ID && there) this.lostMasters.note(brokerName, epoch);
    return this.remove(place);
  }

  private async remove(place: Place): Promise<void> {
    this.remote.delete(place);
    if (this.remote.size === 0) this.silence.stop();
    const { brokerName, brokerId } = place.registration;
    if (this.places.get(keyOf(place.registration)) !== place) return;
    this.places.delete(keyOf(place.registration));
    if (this.returning.release(place)) return;
    this.showReturned(brokerName);
    await this.publish({ kind: 'gone', brokerName, brokerId });
  }

  /** Resolves when all observers of now have acknowledged, or the bound has passed. */
  private async publish(change: RouteChange): Promise<void> {
    const waits: Promise<void>[] = [];
    for (const { sink } of [...this.observers]) {
      const wait = sink(change);
      if (wait !== undefined) waits.push(wait);
    }
    if (waits.length === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.platform.timers.after(this.limits.acknowledgeMs, resolve);
      void Promise.allSettled(waits).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** Of two that call themselves master the newer one is; with one epoch they cannot both be. */
  private checkMaster(next: BrokerRegistration, known: BrokerRegistration | undefined): void {
    if (next.brokerId !== MASTER_ID) return;
    checkEpoch(next, this.lostMasters.epochOf(next.brokerName));
    if (known?.epoch !== next.epoch || known.address === next.address) return;
    throw new StatusError(
      Code.BAD_REQUEST,
      `broker ${nameOf(next)} registers with epoch ${next.epoch} from ${next.address}, but ${known.address} has that epoch`,
    );
  }

  private check(registration: BrokerRegistration): void {
    const { brokerName, brokerId, topics } = registration;
    if (brokerName === '') throw new StatusError(Code.BAD_REQUEST, 'brokerName is empty');
    if (!Number.isSafeInteger(brokerId) || brokerId < 0) {
      throw new StatusError(Code.BAD_REQUEST, `brokerId of ${brokerName} is ${brokerId}`);
    }
    if (topics.length > this.limits.topicsMax) {
      throw new StatusError(
        Code.BAD_REQUEST,
        `broker ${nameOf(registration)} has ${topics.length} topics, the limit is ${this.limits.topicsMax}`,
      );
    }
  }
}

function checkEpoch(next: BrokerRegistration, knownEpoch: number): void {
  if (next.epoch >= knownEpoch) return;
  throw new StatusError(
    Code.BAD_REQUEST,
    `broker ${nameOf(next)} registers with epoch ${next.epoch}, epoch ${knownEpoch} is registered`,
  );
}

function keyOf(broker: { readonly brokerName: string; readonly brokerId: number }): string {
  return `${broker.brokerId}@${broker.brokerName}`;
}

function nameOf(broker: { readonly brokerName: string; readonly brokerId: number }): string {
  return `${broker.brokerName}/${broker.brokerId}`;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
