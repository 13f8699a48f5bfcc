/**
 * One replica of a broker group: owns its store, and is master, follower or neither, as it is told.
 *
 *     resting --follow--> following --lead--> waits until its set has all its log --> broker opens --> serves
 *        ^------------------- rest, or any other call: what it was ends first ---------------------------|
 *
 * A master that ends while it still leads closes its broker first and lets its followers have all; one that leads
 * no more gives up what is not confirmed. Either way its store is opened anew, so that no view is left behind.
 */
import type { Logger } from 'pino';
import type { BrokerApi } from '../../api/broker-api';
import type { ReplicasApi } from '../../api/cluster-api';
import type { ReplicationStatus } from '../../api/cluster-view';
import type { Leader, ReplicaHost, RoleKeeper } from '../../api/replica-host';
import type { MasterStream, ReplicationApi, ReplicationServer } from '../../api/replication-api';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { Broker } from '../broker';
import type { FollowedSends } from '../dedup/followed-sends';
import type { WriteWaits } from '../write-waits';
import { Substitute, type StandInOptions } from '../stand-in/substitute';
import { Following } from './following';
import { Leading, type LeadingParts } from './leading';
import type { ReplicaStore } from './replica-store';
import { ReplicaWaits } from './replica-waits';
import type { ReplicationSettings } from './replication-settings';

/** Longest wait for the orderly end of a mastership, and then for followers to have all, ms. */
const CLOSE_MS = 5_000;
const DRAIN_MS = 2_000;
const DRAIN_LOOK_MS = 20;

/** What a broker that leads a group has besides its store. */
export interface LeadParts {
  readonly epoch: number;
  readonly waits: WriteWaits;
  readonly replicas: ReplicasApi;
  /** What the replica has learnt of its duplicate window while it followed. */
  readonly followedSends: FollowedSends | undefined;
}

export interface HostParts {
  readonly replica: ReplicaStore;
  readonly api: ReplicationApi;
  readonly settings: ReplicationSettings;
  readonly platform: Platform;
  readonly log: Logger;
  /** Opens the broker on the store of a replica that begins to lead. */
  readonly openBroker: (store: MessageStore, lead: LeadParts) => Promise<Broker>;
  /** Makes the master known; when this fails it serves all the same. */
  readonly register: (broker: Broker) => Promise<void>;
  /** See `ReplicasApi`. */
  readonly handOver: ReplicasApi['handOver'];
  /** How it stands in for a master that is away; `undefined`: it does not. */
  readonly standIn?: StandInOptions | undefined;
}

interface Mastership {
  readonly epoch: number;
  readonly leading: Leading;
  waits: ReplicaWaits | undefined;
  broker: Broker | undefined;
}

export class BrokerHost implements ReplicaHost, ReplicationServer {
  private turn: Promise<void> = Promise.resolve();
  private calls = 0;
  private mastership: Mastership | undefined;
  private serving: Mastership | undefined;
  private following: Following | undefined;
  private closed = false;
  private readonly substitute: Substitute | undefined;
  /** The store has served a mastership that is over: the next role begins with it opened anew. */
  private used = false;

  constructor(
    private readonly parts: HostParts,
    private readonly keeper: RoleKeeper,
  ) {
    const { standIn, ...shared } = parts;
    this.substitute = standIn && new Substitute({ ...shared, ...standIn }, this.replicas);
  }

  get endPosition(): number {
    return this.parts.replica.log.endPosition;
  }

  get storeId(): string {
    return this.parts.replica.storeId;
  }

  /** The broker while it leads, see `LeadingBroker`. */
  readonly leader = (): Broker | undefined => {
    const { serving } = this;
    return serving !== undefined && this.keeper.leads(serving.epoch) ? serving.broker : undefined;
  };

  /** What serves reads here while the master is away, another object each time. */
  get standIn(): BrokerApi | undefined {
    return this.substitute?.serving;
  }

  /** What operators are told of the group. */
  get replicas(): ReplicasApi {
    const { handOver } = this.parts;
    return { status: () => Promise.resolve(this.status()), handOver };
  }

  async lead(epoch: number, inSync: readonly number[], lost?: number): Promise<void> {
    const done = await this.change(async (current) => {
      await this.becomeMaster({ epoch, inSync, lost }, current);
    });
    if (!done) throw new Error('another role was given meanwhile');
  }

  async follow(leader: Leader, epoch: number): Promise<void> {
    await this.change(async () => {
      await this.openAnew();
      const { parts, keeper, substitute } = this;
      this.following = new Following({ ...parts, keeper, leader, epoch, substitute });
      this.following.start();
    });
  }

  async rest(handsOver = false): Promise<void> {
    await this.change(() => undefined, handsOver);
  }

  /** Ends for good and closes the store. */
  async close(): Promise<void> {
    await this.rest();
    this.closed = true;
    await this.turn;
    await this.parts.replica.close();
  }

  accept(stream: MasterStream): void {
    if (this.mastership !== undefined) {
      this.mastership.leading.accept(stream);
      return;
    }
    const { brokerName, replicaId } = this.parts.settings;
    stream.abort(`replica ${replicaId} of ${brokerName} does not lead its group`);
  }

  status(): ReplicationStatus {
    const { mastership, following, parts } = this;
    const { settings, replica } = parts;
    const followed = this.standIn === undefined ? 'replica' : 'stand-in';
    const role =
      mastership !== undefined ? 'master' : following !== undefined ? followed : 'resting';
    return {
      brokerName: settings.brokerName,
      replicaId: settings.replicaId,
      role,
      epoch: mastership?.epoch ?? following?.followedEpoch ?? replica.newestEpoch,
      minPosition: replica.log.minPosition,
      endPosition: replica.log.endPosition,
      confirmedPosition: replica.store.visible,
      inSync: mastership?.leading.members ?? following?.heartbeat?.inSync ?? [],
      followers: mastership?.leading.followers ?? [],
    };
  }

  /**
   * Runs a change of role behind those before it.
   * @param handsOver whether another is to lead after this replica
   * @returns false when a later one came, and this one was not begun
   */
  private change(
    begin: (current: () => boolean) => Promise<void> | void,
    handsOver = true,
  ): Promise<boolean> {
    const call = ++this.calls;
    const current = (): boolean => call === this.calls && !this.closed;
    // At once: whoever calls this may let another lead as soon as it resolves.
    this.serving = undefined;
    this.interrupt();
    const done = this.turn.then(async () => {
      await this.endRole(handsOver);
      if (!current()) return false;
      await begin(current);
      return true;
    });
    this.turn = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  /** Lets a takeover that waits for its replicas give up. */
  private interrupt(): void {
    const { mastership } = this;
    if (mastership === undefined || mastership.broker !== undefined) return;
    mastership.leading.close('the role of this replica changes');
    this.parts.replica.log.abandon(new Error('the role of this replica changes'));
  }

  private async becomeMaster(
    { epoch, inSync, lost }: Pick<LeadingParts, 'epoch' | 'inSync' | 'lost'>,
    current: () => boolean,
  ): Promise<void> {
    const { replica, settings, platform, log, openBroker, register } = this.parts;
    await this.openAnew();
    await replica.ensureHandleKeys();
    await replica.beginEpoch(epoch);
    const { keeper } = this;
    const leading = new Leading({
      ...{ replica, keeper, settings, platform, log, epoch, inSync, lost },
    });
    const mastership: Mastership = { epoch, leading, waits: undefined, broker: undefined };
    this.mastership = mastership;
    try {
      if (!current()) throw new Error('another role was given meanwhile');
      // What this log has beyond what was confirmed is shown when all of the set have it.
      const { endPosition } = replica.log;
      await Promise.all([replica.store.durable(endPosition), leading.confirmed(endPosition)]);
      await replica.log.takeOver();
      await replica.viewsNoted;
      const waits = new ReplicaWaits(leading, replica.store, settings, platform);
      mastership.waits = waits;
      const { warmViews } = replica;
      await warmViews.stop();
      const followedSends = warmViews.sends;
      const broker = await openBroker(replica.store, {
        ...{ epoch, waits, followedSends, replicas: this.replicas },
      });
      mastership.broker = broker;
      leading.snapshot = () => broker.snapshotPlace;
      leading.takeFinished = (queues) => broker.takeFinished(queues);
      await this.substitute?.handTo((queues) => broker.takeFinished(queues));
    } catch (error) {
      await this.endRole(true);
      throw error;
    }
    if (!current()) throw new Error('another role was given meanwhile');
    this.serving = mastership;
    log.info({ epoch, inSync }, 'leads its group');
    await register(mastership.broker).catch((err: unknown) => {
      log.error({ err }, 'not registered');
    });
  }

  private async endRole(handsOver: boolean): Promise<void> {
    const { mastership, following } = this;
    this.following = undefined;
    await following?.stop();
    if (mastership === undefined) return;
    const { log, replica } = this.parts;
    log.info({ epoch: mastership.epoch }, 'leads its group no more');
    if (this.keeper.leads(mastership.epoch)) await this.closeOrderly(mastership, handsOver);
    mastership.leading.close('this replica does not lead its group any more');
    replica.log.abandon(new Error('this replica does not lead its group any more'));
    await this.closeBroker(mastership, true);
    mastership.waits?.close();
    this.mastership = undefined;
    this.used = true;
  }

  /** Not at the end of a role: whoever is to lead next waits for that. */
  private async openAnew(): Promise<void> {
    if (!this.used) return;
    await this.parts.replica.reopen();
    this.used = false;
  }

  /** What the broker leaves in the log on its way out reaches the followers. */
  private async closeOrderly(mastership: Mastership, handsOver: boolean): Promise<void> {
    const { platform, replica } = this.parts;
    const late = platform.timers.after(CLOSE_MS, () => {
      replica.log.abandon(new Error('replicas did not confirm in time that the broker stops'));
    });
    await this.closeBroker(mastership, handsOver);
    late.cancel();
    const { leading } = mastership;
    const untilMs = platform.clock.monotonicMs() + DRAIN_MS;
    const behind = (): boolean =>
      leading.followers.some(
        ({ inSync, connected, lagBytes }) => inSync && connected && lagBytes > 0,
      );
    const look = (): Promise<void> =>
      new Promise((resolve) => platform.timers.after(DRAIN_LOOK_MS, resolve));
    while (behind() && platform.clock.monotonicMs() < untilMs) await look();
    // Where the last snapshot begins: whoever leads next need not read what is before.
    leading.review(true);
    await look();
  }

  private async closeBroker(mastership: Mastership, handsOver: boolean): Promise<void> {
    const { broker } = mastership;
    mastership.broker = undefined;
    await broker?.close(handsOver).catch((err: unknown) => {
      this.parts.log.warn({ err }, 'the broker did not end in an orderly way');
    });
  }
}
