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
import { AckSender } from './ack-sender';
import { HandingOver } from '../stand-in/handing-over';
import type { Substitute } from '../stand-in/substitute';
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
  /** Serves while the master is away; `undefined`: nobody does. */
  readonly substitute: Substitute | undefined;
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
  private acks: AckSender | undefined;
  private paused = false;
  /** Whether all that is visible here is confirmed, as far as has been heard. */
  private knowsConfirmed: boolean;
  /** What the hello of the stream said. */
  private saidHandsOver = false;
  private handing: HandingOver | undefined;
  private stopProgress: () => void = () => undefined;

  constructor(private readonly parts: FollowingParts) {
    this.epoch = Math.max(parts.epoch, parts.replica.newestEpoch);
    this.knowsConfirmed = parts.settings.ack === 'async';
  }

  start(): void {
    this.parts.substitute?.masterLost(this.knowsConfirmed);
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
    this.handing?.broken('follows no more');
    await this.work;
    await this.parts.substitute?.stop();
  }

  private connect(): void {
    const { api, leader, replica, platform } = this.parts;
    const stream = api.connect(leader.address);
    this.stream = stream;
    this.paused = false;
    const { log } = replica;
    this.acks = new AckSender({ stream, platform, log, answer: () => this.promised });
    // Only what the master has removed goes.
    log.followMin(log.minPosition);
    // What comes is not to be seen before the master says so.
    log.confirm(replica.store.visible);
    this.stopProgress = log.onProgress(() => this.ackSoon(stream));
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
    this.greet(stream).catch((error: unknown) => this.giveUp(stream, error));
  }

  private async greet(stream: FollowerStream): Promise<void> {
    const { settings, replica, substitute } = this.parts;
    const { minPosition, endPosition } = replica.log;
    const handsOver = (await substitute?.handsOver()) ?? false;
    await replica.store.synced(endPosition);
    if (this.stream !== stream || this.stopped) return;
    this.saidHandsOver = handsOver;
    const { brokerName, replicaId, address } = settings;
    const { storeId, epochs } = replica;
    const { segmentBytes } = replica.log;
    const hello = { brokerName, replicaId, storeId, address, epoch: this.epoch, segmentBytes };
    const log = { epochs, minPosition, endPosition, handsOver };
    stream.write({ kind: 'hello', hello: { ...hello, ...log } });
  }

  private take(stream: FollowerStream, message: MasterMessage): void {
    switch (message.kind) {
      case 'welcome':
        this.welcomed(stream, message.welcome);
        return;
      case 'log':
        this.append(stream, message.log);
        return;
      case 'taken':
        this.handing?.taken();
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
        if (this.stream === undefined) this.masterLost();
      });
  }

  private async follow(stream: FollowerStream, welcome: Welcome): Promise<void> {
    const { replica, substitute } = this.parts;
    await substitute?.masterFound();
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
    await this.handOver(stream);
    stream.resume();
    this.acks?.begin();
  }

  /** What was finished here counts by offsets of this log: the master has it before the log goes on. */
  private async handOver(stream: FollowerStream): Promise<void> {
    const { substitute, log } = this.parts;
    const handsOver = (await substitute?.handsOver()) ?? false;
    if (handsOver !== this.saidHandsOver || this.stream !== stream) {
      throw new Error('this replica has stood in for its master meanwhile');
    }
    if (!handsOver || substitute === undefined) return;
    this.handing = new HandingOver(stream);
    await this.handing.send(await substitute.finished());
    await substitute.handedOver();
    log.info('what was finished while this replica stood in is handed over');
  }

  private append(stream: FollowerStream, { position, bytes, crc, damaged }: LogBytes): void {
    const { log } = this.parts.replica;
    if (crc32(bytes) !== crc) throw new Error(`log bytes of ${position}: a wrong checksum`);
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
    this.knowsConfirmed ||= confirmedPosition >= replica.store.visible;
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
  private async keepUp(heartbeat: Heartbeat): Promise<void> {
    const { viewsBegin, viewsEnd, minPosition, endPosition } = heartbeat;
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

  private ackSoon(stream: FollowerStream): void {
    if (this.paused) this.resumeIfRoom(stream);
    this.acks?.soon();
  }

  private resumeIfRoom(stream: FollowerStream): void {
    const { log } = this.parts.replica;
    if (log.endPosition - log.writtenPosition > MOST_UNWRITTEN_BYTES / 2) return;
    this.paused = false;
    stream.resume();
  }

  private giveUp(stream: FollowerStream, error: unknown): void {
    this.parts.log.warn({ err: error }, 'following the master failed');
    stream.abort(errorText(error));
  }

  private lost(stream: FollowerStream, reason: string): void {
    if (this.stream !== stream) return;
    this.stream = undefined;
    this.newest = undefined;
    this.promised = NO_PROMISE;
    this.handing?.broken(reason);
    this.acks?.end();
    this.stopProgress();
    if (this.stopped) return;
    const { log, leader } = this.parts;
    log.info({ master: leader.address, reason }, 'no stream to the master');
    if (!this.working) this.masterLost();
  }

  private masterLost(): void {
    if (this.stopped) return;
    this.parts.substitute?.masterLost(this.knowsConfirmed);
    this.retry?.cancel();
    this.retry = this.parts.platform.timers.after(this.retryMs, () => this.connect());
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }
}
