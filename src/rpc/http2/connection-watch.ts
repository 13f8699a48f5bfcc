/** What a connection that a clock looks at now and then must do. */
import type { Http2Options } from './options';

/** What a peer is asked for a sign of life with. */
export const ALIVE_PING = Buffer.from('alive?..', 'latin1');

/** What the watch sees of a connection. */
export interface Watched {
  /** Bytes came since the last look. */
  readonly heard: boolean;
  /** A frame or header block has begun and not ended. */
  readonly midFrame: boolean;
  /** Whole frames read so far. */
  readonly frames: number;
  readonly openStreams: number;
}

/**
 * - `ping`: ask the peer for a sign of life
 * - `end`: let open streams finish, take no new ones
 * - `slow`: the peer does not finish what it began
 * - `lost`: the peer does not answer
 */
export type Verdict = 'fine' | 'ping' | 'end' | 'slow' | 'lost';

/** Keeps a connection's times. All of them are as coarse as the looks are apart. */
export class ConnectionWatch {
  private heardMs: number;
  private pinged = false;
  private frames = -1;
  private midFrameMs = 0;
  private busyMs: number;
  private readonly endMs: number;

  /** @param random 0 .. 1, so that connections made together do not all end together */
  constructor(
    private readonly options: Http2Options,
    openedMs: number,
    random: number,
  ) {
    this.heardMs = openedMs;
    this.busyMs = openedMs;
    const { maxAgeMs } = options;
    this.endMs = maxAgeMs > 0 ? openedMs + maxAgeMs * (0.9 + 0.2 * random) : Infinity;
  }

  look(nowMs: number, seen: Watched): Verdict {
    const { keepaliveMs, keepaliveTimeoutMs, idleMs } = this.options;
    if (this.isStuck(nowMs, seen)) return 'slow';
    if (seen.openStreams > 0) this.busyMs = nowMs;
    if (seen.heard) {
      this.heardMs = nowMs;
      this.pinged = false;
    }
    const silentMs = nowMs - this.heardMs;
    if (this.pinged && silentMs > keepaliveMs + keepaliveTimeoutMs) return 'lost';
    if (nowMs > this.endMs || (idleMs > 0 && nowMs - this.busyMs > idleMs)) return 'end';
    if (this.pinged || keepaliveMs === 0 || silentMs < keepaliveMs) return 'fine';
    this.pinged = true;
    return 'ping';
  }

  /** The same frame is unfinished for too long: a sender that trickles bytes holds what it began. */
  private isStuck(nowMs: number, seen: Watched): boolean {
    if (!seen.midFrame || seen.frames !== this.frames) {
      this.frames = seen.frames;
      this.midFrameMs = nowMs;
      return false;
    }
    return this.options.frameMs > 0 && nowMs - this.midFrameMs > this.options.frameMs;
  }
}
