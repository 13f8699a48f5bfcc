/**
 * A follower's side of replication: reaches its master again and again, takes its log, tells it how far it is, and
 * does what a welcome asks: cuts its log, or begins it anew. One object for each master that is followed.
 */
import { crc32 } from 'node:zlib';
import type { Logger } from 'pino';
import type { Leader, RoleKeeper } from '../../api/replica-host';
import type {
  FollowerStream,
  Heartbeat,
  LogBytes,
  MasterMessage,
  ReplicationApi,
  Welcome,
} from '../../api/replication-api';
import type { Platform, TimerHandle } from '../../platform/platform';
import type { ReplicaStore } from './replica-store';
import type { ReplicationSettings } from './replication-settings';
import { watchdog } from './watchdog';
import { errorText } from '../../platform/error-text';

/** Waits between attempts to reach the master, ms: the first, doubled up to the last. */
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
/** A master that is silent for so long is given up, ms: it sends a heartbeat each half second. */
const SILENCE_MS = 5_000;
/** Bytes that wait to be written; beyond, the master is slowed down. */
const MOST_UNWRITTEN_BYTES = 32 * 1024 * 1024;
const NO_PROMISE = { heartbeatMs: 0, promiseMs: 0 };

export interface FollowingParts {
  readonly replica: ReplicaStore;
  readonly api: ReplicationApi;
  readonly keeper: RoleKeeper;
  readonly settings: ReplicationSettings;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly log: Logger;
  readonly leader: Leader;
  /** The leader's, or one below it. */
  readonly epoch: number;
}

export class Following {
  private epoch: number;
  private stream: FollowerStream | undefined;
  private retry: TimerHandle | undefined;
  private retryMs = FIRST_RETRY_MS;
  /** What a welcome has asked for; nothing else is done to the store meanwhile. */
  private work: Promise<void> = Promise.resolve();
  private working = false;
  private stopped = false;
  private newest: Heartbeat | undefined;
  /** The newest promise, and when the heartbeat was sent that asked for it, by the master's clock. */
  private promised = NO_PROMISE;
  private ackDue = false;
  /** Whether the master sends its log on this stream. */
  private fed = false;
  private paused = false;
  private stopProgress: () => void = () => undefined;

  constructor(private readonly parts: FollowingParts) {
    this.epoch = Math.max(parts.epoch, parts.replica.newestEpoch);
  }

  start(): void {
    this.connect();
  }

  /** What the master's newest heartbeat said. */
  get heartbeat(): Heartbeat | undefined {
    return this.newest;
  }

  /** The newest epoch of a master that was heard of. */
  get followedEpoch(): number {
    return this.epoch;
  }

  /** Resolves when nothing more is done to the store. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.retry?.cancel();
    this.stopProgress();
    this.stream?.abort('follows no more');
    await this.work;
  }

  private connect(): void {
    const { api, leader, settings, replica, platform } = this.parts;
    const stream = api.connect(leader.address);
    this.stream = stream;
    this.paused = this.fed = false;
    // Only what the master has removed goes.
    replica.log.followMin(replica.log.minPosition);
    // What comes is not to be seen before the master says so.
    replica.log.confirm(replica.store.visible);
    this.stopProgress = replica.log.onProgress(() => this.ackSoon(stream));
    const silence = watchdog(platform, SILENCE_MS, () => {
      stream.abort(`no heartbeat for ${SILENCE_MS} ms`);
    });
    stream.open({
      message: (message) => {
        silence.restart();
        if (this.stream !== stream || this.stopped) return;
        try {
          this.take(stream, message);
        } catch (error) {
          this.giveUp(stream, error);
        }
      },
      drained: () => this.ackSoon(stream),
      closed: (reason) => {
        silence.cancel();
        this.lost(stream, reason);
      },
    });
    const { minPosition, endPosition } = replica.log;
    void replica.store.synced(endPosition).then(
      () => {
        if (this.stream !== stream || this.stopped) return;
        stream.write({
          kind: 'hello',
          hello: {
            brokerName: settings.brokerName,
            replicaId: settings.replicaId,
            storeId: replica.storeId,
            address: settings.address,
            epoch: this.epoch,
            segmentBytes: replica.log.segmentBytes,
            epochs: replica.epochs,
            minPosition,
            endPosition,
          },
        });
      },
      (error: unknown) => this.giveUp(stream, error),
    );
  }

  private take(stream: FollowerStream, message: MasterMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.welcomed(stream, message.welcome);
        return;
      case 'log':
        this.append(stream, message.log);
        return;
      case 'heartbeat':
        this.heard(stream, message.heartbeat);
    }
  }

  /** Nothing more comes until what the welcome asks for is done. */
  private welcomed(stream: FollowerStream, welcome: Welcome): void {
    const { keeper } = this.parts;
    if (welcome.epoch < this.epoch) {
      throw new Error(`the master's epoch ${welcome.epoch} is below ${this.epoch}`);
    }
    if (welcome.epoch > this.epoch) keeper.newerEpoch(welcome.epoch);
    this.epoch = welcome.epoch;
    this.retryMs = FIRST_RETRY_MS;
    stream.pause();
    this.working = true;
    this.work = this.follow(stream, welcome)
      .catch((error: unknown) => this.giveUp(stream, error))
      .finally(() => {
        this.working = false;
        if (this.stream === undefined) this.retrySoon();
      });
  }

  private async follow(stream: FollowerStream, welcome: Welcome): Promise<void> {
    const { replica } = this.parts;
    await replica.takeHandleKeys(welcome.handleKeys);
    const cut = welcome.commonPosition < replica.log.endPosition;
    if (welcome.fresh !== undefined || cut) {
      this.stopProgress();
      stream.abort('this log is brought in line first');
      if (welcome.fresh !== undefined) await replica.beginAnew(welcome.fresh);
      else await replica.cut(welcome.commonPosition);
      return;
    }
    if (welcome.commonPosition > replica.log.endPosition) {
      throw new Error(`the master begins at ${welcome.commonPosition}, behind the end of this log`);
    }
    await replica.followEpochs(welcome.epochs);
    this.fed = true;
    stream.resume();
    this.ackSoon(stream);
  }

  private append(stream: FollowerStream, { position, bytes, crc, damaged }: LogBytes): void {
    const { log } = this.parts.replica;
    if (crc32(bytes) !== crc)
      throw new Error(`log bytes of ${position} came with a wrong checksum`);
    log.follow({ position, bytes, damaged });
    if (!this.paused && log.endPosition - log.writtenPosition > MOST_UNWRITTEN_BYTES) {
      this.paused = true;
      stream.pause();
    }
  }

  private heard(stream: FollowerStream, heartbeat: Heartbeat): void {
    const { replica, keeper } = this.parts;
    const { confirmedPosition, promiseMs, endPosition } = heartbeat;
    this.newest = heartbeat;
    replica.log.confirm(Math.max(confirmedPosition, replica.store.visible));
    keeper.behind(Math.max(0, endPosition - replica.log.endPosition));
    keeper.clockOff(heartbeat.clockOffMs);
    if (promiseMs > 0) {
      const { sentMs } = heartbeat;
      this.promised = { heartbeatMs: sentMs, promiseMs: keeper.promise(this.epoch, promiseMs) };
    }
    void this.keepUp(heartbeat);
    replica.warmViews.advance();
    this.ackSoon(stream);
  }

  /** What the master has removed goes here, too, once this log holds what makes it needless. */
  private async keepUp({
    viewsBegin,
    viewsEnd,
    minPosition,
    endPosition,
  }: Heartbeat): Promise<void> {
    const { replica, log } = this.parts;
    const { syncedPosition } = replica.log;
    try {
      if (viewsEnd > 0 && viewsEnd <= Math.min(syncedPosition, replica.store.visible)) {
        await replica.noteViews(viewsBegin);
      }
      if (syncedPosition >= endPosition && !this.stopped) replica.log.followMin(minPosition);
    } catch (err) {
      log.warn({ err }, 'what the master said of its snapshot is not noted');
    }
  }

  /** Acknowledges at the end of this turn, together with all that happens in it. */
  private ackSoon(stream: FollowerStream): void {
    if (this.paused) this.resumeIfRoom(stream);
    if (this.ackDue || !this.fed) return;
    this.ackDue = true;
    this.parts.platform.timers.nextTurn(() => {
      this.ackDue = false;
      if (this.stream !== stream || this.stopped || !this.fed) return;
      const { log } = this.parts.replica;
      stream.write({
        kind: 'ack',
        ack: {
          writtenPosition: log.writtenPosition,
          syncedPosition: log.syncedPosition,
          minPosition: log.minPosition,
          wallMs: this.parts.platform.clock.wallMs(),
          ...this.promised,
        },
      });
    });
  }

  private resumeIfRoom(stream: FollowerStream): void {
    const { log } = this.parts.replica;
    if (log.endPosition - log.writtenPosition > MOST_UNWRITTEN_BYTES / 2) return;
    this.paused = false;
    stream.resume();
  }

  private giveUp(stream: FollowerStream, error: unknown): void {
    const reason = errorText(error);
    this.parts.log.warn({ err: error }, 'following the master failed');
    stream.abort(reason);
  }

  private lost(stream: FollowerStream, reason: string): void {
    if (this.stream !== stream) return;
    this.stream = undefined;
    this.newest = undefined;
    this.promised = NO_PROMISE;
    this.stopProgress();
    if (this.stopped) return;
    const { log, leader } = this.parts;
    log.info({ master: leader.address, reason }, 'no stream to the master');
    if (!this.working) this.retrySoon();
  }

  private retrySoon(): void {
    if (this.stopped) return;
    this.retry?.cancel();
    this.retry = this.parts.platform.timers.after(this.retryMs, () => this.connect());
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }
}
