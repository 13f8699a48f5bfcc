/**
 * A master's side of replication: takes the streams of followers, feeds them, follows how far they are, and says
 * what is confirmed. One object for each epoch that this replica leads.
 */
import type { Logger } from 'pino';
import type { FollowerStatus } from '../../api/cluster-view';
import type { RoleKeeper } from '../../api/replica-host';
import type { Hello, MasterStream, ReplicaAck, Welcome } from '../../api/replication-api';
import type { Platform, TimerHandle } from '../../platform/platform';
import { checkHello } from './check-hello';
import { commonPosition } from './common-position';
import { Confirmation } from './confirmation';
import { type FeedParts, FollowerFeed } from './follower-feed';
import { FollowerLag } from './follower-lag';
import { InSyncSet } from './in-sync-set';
import type { InSyncMembers } from './replica-waits';
import type { ReplicaStore } from './replica-store';
import type { ReplicationSettings } from './replication-settings';

/** Heartbeats, at least, ms; and how often the in-sync set is looked at, and what is confirmed is told. */
const HEARTBEAT_MS = 500;
const TICK_MS = 200;
/** One that answers no heartbeat for so long is away, though its stream is there: before sends give up, ms. */
const SILENT_MS = 2_000;
/** One that answers none for so long may hear all and not be heard: a promise of it would serve nobody, ms. */
const UNHEARD_MS = 1_000;

export interface LeadingParts {
  readonly replica: ReplicaStore;
  readonly keeper: RoleKeeper;
  readonly settings: ReplicationSettings;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly epoch: number;
  /** The in-sync set agreed so far, this replica in it. */
  readonly inSync: readonly number[];
  /** Of these the one that is not waited for to come back; `undefined`: all are. */
  readonly lost: number | undefined;
}

/** Where the newest whole snapshot of the views lies in the log. */
export interface SnapshotPlace {
  readonly begin: number;
  readonly end: number;
}

/** What is known of a follower, also when it is away. */
interface Known {
  feed: FollowerFeed | undefined;
  address: string;
  acknowledged: number;
  readonly lag: FollowerLag;
  lostMs: number;
  clockOffMs: number;
}

export class Leading implements InSyncMembers {
  /** Set by whoever has the views. */
  snapshot: () => SnapshotPlace = () => ({ begin: 0, end: 0 });
  /** Set by whoever has the ledgers: takes what a follower finished while it stood in. */
  takeFinished: FeedParts['finished'] = () =>
    Promise.reject(new Error('the broker is not open yet'));
  private readonly known = new Map<number, Known>();
  private readonly feeds = new Set<FollowerFeed>();
  private readonly inSync: InSyncSet;
  private readonly confirmation: Confirmation;
  private readonly stopProgress: () => void;
  private timer: TimerHandle | undefined;
  private lastBeatMs = -Infinity;
  private toldConfirmed = -1;
  private closed = false;

  constructor(private readonly parts: LeadingParts) {
    const { replica, keeper, settings, epoch, log, platform } = parts;
    this.confirmation = new Confirmation(replica.log);
    this.inSync = new InSyncSet(settings.replicaId, parts.inSync, {
      log,
      agree: (members) => keeper.changeInSync(epoch, members),
      lagMs: settings.lagMs,
      changed: () => this.confirm(),
    });
    for (const id of this.inSync.waitedFor) {
      this.known.set(id, { ...this.unseen(), ...(id === parts.lost && { lostMs: -Infinity }) });
    }
    this.stopProgress = replica.log.onProgress(() => {
      for (const feed of this.feeds) feed.pump();
    });
    this.confirm();
    const tick = (): void => {
      this.review();
      this.timer = platform.timers.after(TICK_MS, tick);
    };
    this.timer = platform.timers.after(parts.lost === undefined ? TICK_MS : 0, tick);
  }

  /** Takes the stream of a follower. */
  accept(stream: MasterStream): void {
    const { replica, platform, settings, log } = this.parts;
    const { windowBytes, syncedAcks } = settings;
    const feed = new FollowerFeed({
      ...{ stream, platform, windowBytes, syncedAcks, log: replica.log },
      welcome: (hello, from) => this.welcome(hello, from),
      acknowledged: (from, ack) => this.acknowledged(from, ack),
      finished: (queues) => this.takeFinished(queues),
      closed: (from, reason) => {
        this.feeds.delete(from);
        const known = this.knownOf(from);
        if (known?.feed !== from) return;
        known.feed = undefined;
        known.lostMs = platform.clock.monotonicMs();
        log.warn({ replicaId: from.hello?.replicaId, reason }, 'follower lost');
      },
    });
    this.feeds.add(feed);
  }

  get members(): readonly number[] {
    return [...this.inSync.members];
  }

  get membersThere(): number {
    return this.members.filter((id) => this.known.get(id)?.feed?.feeding === true).length;
  }

  get followers(): readonly FollowerStatus[] {
    const { endPosition } = this.parts.replica.log;
    return [...this.known].map(([replicaId, known]) => ({
      replicaId,
      address: known.address,
      connected: known.feed?.feeding === true,
      inSync: this.inSync.members.has(replicaId),
      lagBytes: Math.max(0, endPosition - known.acknowledged),
      lagMs: this.lagMs(known),
      clockOffsetMs: known.clockOffMs,
    }));
  }

  /** Resolves when all that are waited for have what lies below `position`. @throws Error when `close` was called before */
  confirmed(position: number): Promise<void> {
    return this.confirmation.reached(position);
  }

  /** Ends all streams; what is not confirmed stays so. */
  close(reason: string): void {
    this.closed = true;
    this.timer?.cancel();
    this.stopProgress();
    this.inSync.close();
    this.confirmation.close(reason);
    for (const feed of [...this.feeds]) feed.abort(reason);
  }

  private async welcome(hello: Hello, feed: FollowerFeed): Promise<Welcome> {
    const { keeper, epoch, replica, log, settings } = this.parts;
    if (hello.epoch > epoch) {
      keeper.newerEpoch(hello.epoch);
      throw new Error(`epoch ${epoch} is over: replica ${hello.replicaId} knows ${hello.epoch}`);
    }
    checkHello(hello, settings, replica.log.segmentBytes);
    const same = keeper.met(hello.replicaId, hello.storeId);
    this.known.get(hello.replicaId)?.feed?.abort('the replica has opened another stream');
    const common = this.common(hello);
    const confirmed = replica.store.visible;
    if (!same || common === undefined || common < confirmed) {
      await this.inSync.expel(hello.replicaId);
    }
    if (this.closed) throw new Error('this replica does not lead any more');
    const known = this.known.get(hello.replicaId) ?? this.unseen();
    known.feed?.abort('the replica has opened another stream');
    this.known.set(hello.replicaId, known);
    known.feed = feed;
    known.address = hello.address;
    known.acknowledged = common ?? 0;
    this.confirm();
    log.info({ replicaId: hello.replicaId, common, end: hello.endPosition }, 'follower is here');
    const { minPosition } = replica.log;
    return {
      epoch,
      epochs: replica.epochs,
      commonPosition: common ?? minPosition,
      fresh:
        common === undefined ? { position: minPosition, ...replica.log.besideLog() } : undefined,
      handleKeys: await replica.handleKeys(),
    };
  }

  /** What both logs have; `undefined` when the follower is to begin anew. */
  private common(hello: Hello): number | undefined {
    const { replica } = this.parts;
    const { log, epochs } = replica;
    const { minPosition, endPosition } = log;
    const empty = hello.endPosition === hello.minPosition;
    const common =
      empty && hello.epochs.length === 0
        ? hello.endPosition
        : commonPosition({ epochs, endPosition }, hello);
    if (common === undefined && minPosition <= hello.endPosition) {
      throw new Error(
        `the log of replica ${hello.replicaId} has nothing in common with this one; empty its directory to make it a replica`,
      );
    }
    const usable =
      common !== undefined &&
      common >= Math.max(minPosition, hello.minPosition) &&
      common <= endPosition;
    return usable ? common : undefined;
  }

  private acknowledged(feed: FollowerFeed, ack: ReplicaAck): void {
    const { keeper, platform, replica } = this.parts;
    const known = this.knownOf(feed);
    const replicaId = feed.hello?.replicaId;
    if (known?.feed !== feed || replicaId === undefined || this.closed) return;
    known.acknowledged = feed.acknowledged;
    known.lag.note(known.acknowledged, replica.log.endPosition, platform.clock.monotonicMs());
    if (ack.heartbeatMs > 0 && ack.promiseMs > 0) {
      keeper.promised(replicaId, ack.heartbeatMs, ack.promiseMs);
    }
    known.clockOffMs = keeper.clockSeen(replicaId, platform.clock.wallMs() - ack.wallMs);
    this.confirm();
    if (!this.inSync.members.has(replicaId)) this.reviewInSync();
  }

  private confirm(): void {
    if (this.closed) return;
    const waitedFor = this.parts.settings.ack === 'async' ? [] : this.inSync.waitedFor;
    this.confirmation.note(waitedFor.map((id) => this.known.get(id)?.acknowledged ?? 0));
  }

  private reviewInSync(): void {
    const { replica, platform, settings } = this.parts;
    const nowMs = platform.clock.monotonicMs();
    const { endPosition } = replica.log;
    // An idle follower acknowledges each half second: what comes next must not count as missing for so long.
    for (const { lag, acknowledged } of this.known.values()) {
      if (acknowledged >= endPosition) lag.note(acknowledged, endPosition, nowMs);
    }
    const candidates = [...this.known].map(([replicaId, known]) => {
      const { feed, acknowledged } = known;
      const silent = feed !== undefined && feed.silentMs >= SILENT_MS;
      return {
        ...{ replicaId, acknowledged, lagMs: this.lagMs(known) },
        feeding: feed?.feeding === true && !silent,
        awayMs: silent ? feed.silentMs : nowMs - known.lostMs,
      };
    });
    // Nobody waits for members: they may lack what was confirmed last.
    const confirmed = settings.ack === 'async' ? 0 : replica.store.visible;
    this.inSync.review(candidates, endPosition, confirmed);
  }

  /** Looks at the set, and tells followers how things are: when that is due, or `now`. */
  review(now = false): void {
    for (const feed of this.feeds) feed.passed(TICK_MS);
    this.reviewInSync();
    const { replica, keeper, platform } = this.parts;
    const { visible } = replica.store;
    const nowMs = platform.clock.monotonicMs();
    if (!now && visible === this.toldConfirmed && nowMs - this.lastBeatMs < HEARTBEAT_MS) return;
    this.toldConfirmed = visible;
    this.lastBeatMs = nowMs;
    const { begin: viewsBegin, end: viewsEnd } = this.snapshot();
    for (const feed of this.feeds) {
      feed.beat({
        sentMs: nowMs,
        wallMs: platform.clock.wallMs(),
        clockOffMs: this.knownOf(feed)?.clockOffMs ?? 0,
        confirmedPosition: visible,
        minPosition: replica.log.minPosition,
        endPosition: replica.log.endPosition,
        ...{ viewsBegin, viewsEnd, inSync: this.members },
        promiseMs: feed.silentMs < UNHEARD_MS ? keeper.askPromiseMs : 0,
      });
    }
  }

  private lagMs(known: Known): number {
    const { replica, platform } = this.parts;
    const { endPosition } = replica.log;
    return known.lag.lagMs(known.acknowledged, endPosition, platform.clock.monotonicMs());
  }

  private knownOf(feed: FollowerFeed): Known | undefined {
    const { hello } = feed;
    return hello && this.known.get(hello.replicaId);
  }

  private unseen(): Known {
    const nowMs = this.parts.platform.clock.monotonicMs();
    return {
      feed: undefined,
      address: '',
      acknowledged: 0,
      lag: new FollowerLag(nowMs),
      lostMs: nowMs,
      clockOffMs: 0,
    };
  }
}
