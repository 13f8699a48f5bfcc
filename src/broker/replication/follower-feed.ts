/**
 * A master's end of one follower's stream: after hello and welcome, log bytes as fast as the follower takes them.
 * Pieces wait for each other and for other work of the event loop (./catch-up-pace), and no more is on its way than
 * the window holds, so that catching up is not felt by clients.
 */
import { crc32 } from 'node:zlib';
import type {
  Finished,
  FinishedQueue,
  FollowerMessage,
  Heartbeat,
  Hello,
  MasterStream,
  ReplicaAck,
  Welcome,
} from '../../api/replication-api';
import type { Platform } from '../../platform/platform';
import { restMs } from './catch-up-pace';
import type { ReplicatedLog } from '../../store/replicated-log';
import { watchdog, type Watchdog } from './watchdog';
import { errorText } from '../../platform/error-text';

/** Log bytes of one message, unless a record is longer. */
const PIECE_BYTES = 256 * 1024;
/** The stream of a follower that is silent for so long is ended, ms: it acknowledges each heartbeat. */
const SILENCE_MS = 6_000;

export interface FeedParts {
  readonly stream: MasterStream;
  readonly log: ReplicatedLog;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly windowBytes: number;
  /** Whether an acknowledgement counts what is synced, not what is written. */
  readonly syncedAcks: boolean;
  /** Answers a hello. @throws Error when this follower is not welcome: the stream breaks, with the reason */
  readonly welcome: (hello: Hello, feed: FollowerFeed) => Promise<Welcome>;
  readonly acknowledged: (feed: FollowerFeed, ack: ReplicaAck) => void;
  /** Takes what the follower finished while it stood in. @throws Error as `welcome` */
  readonly finished: (queues: readonly FinishedQueue[]) => Promise<void>;
  readonly closed: (feed: FollowerFeed, reason: string) => void;
}

export class FollowerFeed {
  private from: Hello | undefined;
  private next: number | undefined;
  /** Where the log goes on when the follower has told what it finished while it stood in; else `undefined`. */
  private handsOver: number | undefined;
  private received = 0;
  private pumping = false;
  private writable = true;
  private over = false;
  private unheardMs = 0;
  private readonly silence: Watchdog;

  constructor(private readonly parts: FeedParts) {
    const { stream, platform } = parts;
    this.silence = watchdog(platform, SILENCE_MS, () => {
      this.abort(`no acknowledgement for ${SILENCE_MS} ms`);
    });
    stream.open({
      message: (message) => {
        this.silence.restart();
        this.unheardMs = 0;
        this.take(message);
      },
      drained: () => {
        this.writable = true;
        this.pump();
      },
      closed: (reason) => {
        this.over = true;
        this.silence.cancel();
        parts.closed(this, reason);
      },
    });
  }

  /** Who it is; `undefined` before its hello. */
  get hello(): Hello | undefined {
    return this.from;
  }

  /** Up to where the follower has the log, as durable as acknowledgements are. */
  get acknowledged(): number {
    return this.received;
  }

  /** Whether log bytes flow. */
  get feeding(): boolean {
    return this.next !== undefined && !this.over;
  }

  /** For how long nothing has come from it, by what `passed` was told, ms. */
  get silentMs(): number {
    return this.unheardMs;
  }

  /** So much time has passed in which this process ran: what came while it stood still is yet to be read. */
  passed(ms: number): void {
    this.unheardMs += ms;
  }

  /** There is more of the log. */
  pump(): void {
    if (this.pumping || !this.maySend) return;
    this.pumping = true;
    void this.send().finally(() => {
      this.pumping = false;
      // What came between the last look and now.
      this.pump();
    });
  }

  beat(heartbeat: Heartbeat): void {
    if (this.feeding) this.parts.stream.write({ kind: 'heartbeat', heartbeat });
  }

  abort(reason: string): void {
    if (!this.over) this.parts.stream.abort(reason);
  }

  private take(message: FollowerMessage): void {
    if (message.kind === 'hello') {
      if (this.from !== undefined) return this.abort('a second hello');
      this.from = message.hello;
      void this.greet(message.hello);
      return;
    }
    if (message.kind === 'finished') {
      void this.takeFinished(message.finished);
      return;
    }
    const { ack } = message;
    if (this.next === undefined) return this.abort('an acknowledgement before the welcome');
    this.received = this.parts.syncedAcks ? ack.syncedPosition : ack.writtenPosition;
    this.parts.acknowledged(this, ack);
    this.pump();
  }

  private async greet(hello: Hello): Promise<void> {
    try {
      const welcome = await this.parts.welcome(hello, this);
      if (this.over) return;
      this.parts.stream.write({ kind: 'welcome', welcome });
      if (welcome.fresh !== undefined || welcome.commonPosition !== hello.endPosition) return;
      if (hello.handsOver) this.handsOver = welcome.commonPosition;
      else this.begin(welcome.commonPosition);
    } catch (error) {
      this.abort(errorText(error));
    }
  }

  private begin(position: number): void {
    this.next = this.received = position;
    this.pump();
  }

  /** One piece at a time; the log goes on behind the last one. */
  private async takeFinished({ queues, last }: Finished): Promise<void> {
    const { handsOver, parts } = this;
    if (handsOver === undefined) return this.abort('nothing is to be handed over');
    this.handsOver = undefined;
    try {
      await parts.finished(queues);
    } catch (error) {
      return this.abort(errorText(error));
    }
    if (this.over) return;
    parts.stream.write({ kind: 'taken' });
    if (last) this.begin(handsOver);
    else this.handsOver = handsOver;
  }

  private get maySend(): boolean {
    const { next, parts } = this;
    if (next === undefined || this.over || !this.writable) return false;
    return next < parts.log.writtenPosition && next - this.received < parts.windowBytes;
  }

  /** Sends what there is, as long as the follower takes it. */
  private async send(): Promise<void> {
    const { log, stream } = this.parts;
    try {
      while (this.maySend) {
        const { bytes, damaged, position, next } = await log.read(this.next ?? 0, PIECE_BYTES);
        if (this.over) return;
        const piece = { position, bytes, crc: crc32(bytes), damaged };
        this.next = next;
        this.writable = stream.write({ kind: 'log', log: piece });
        // A full piece is one of many: others have their turn.
        if (bytes.length * 2 > PIECE_BYTES) await this.letOthers(next);
      }
    } catch (error) {
      this.abort(errorText(error));
    }
  }

  /** @param next where the next piece begins */
  private async letOthers(next: number): Promise<void> {
    const { log, platform } = this.parts;
    const { clock, timers } = platform;
    const beganMs = clock.monotonicMs();
    await new Promise<void>((resolve) => timers.nextTurn(resolve));
    const rest = restMs(log.writtenPosition - next, clock.monotonicMs() - beganMs);
    if (rest > 0) await new Promise<void>((resolve) => timers.after(rest, resolve));
  }
}
