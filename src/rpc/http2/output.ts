/**
 * What a connection has to say, gathered until the end of the turn.
 *
 *     frame, frame, frame ...  ->  | block (64 KiB) |  ->  one write to the socket a turn
 *
 * A block that fills up leaves at once. While the system has not taken what was written, nothing more is
 * handed to the socket: it gathers here, where it is counted, and leaves when the socket has drained.
 */
import type { TcpSocket } from '../../platform/platform';

const BLOCK_BYTES = 64 * 1024;
/** Blocks kept for the next turn. */
const MAX_SPARE = 64;

/** Blocks that are not in use, shared by the connections of a server: an idle connection holds none. */
export class BlockPool {
  private readonly spare: Buffer[] = [];

  take(): Buffer {
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  /** Takes a block back, or a part of one, which is of no more use. */
  give(block: Buffer): void {
    if (block.length === BLOCK_BYTES && this.spare.length < MAX_SPARE) this.spare.push(block);
  }
}

const NONE = Buffer.alloc(0);

export class Output {
  /** Where frames are written, at the place that `reserve` answered. */
  block: Buffer = NONE;
  private used = 0;
  /** Blocks that filled up while the socket was blocked, as far as they are used. */
  private readonly full: Buffer[] = [];
  private fullBytes = 0;
  /** What was written and the system has not taken yet; nothing more is written until it has. */
  private inFlight: Buffer | undefined;

  constructor(
    private readonly socket: TcpSocket,
    private readonly pool: BlockPool,
  ) {}

  /** Bytes that have not left this process. */
  get waitingBytes(): number {
    if (this.inFlight === undefined) return this.used;
    return this.used + this.fullBytes + this.socket.bufferedBytes;
  }

  /** True when there is something to flush. */
  get dirty(): boolean {
    return this.used > 0;
  }

  /** Makes room for `bytes` (at most 64 KiB) in `block`; answers where they go. They count as written. */
  reserve(bytes: number): number {
    if (this.used + bytes > this.block.length) this.turnOver();
    const at = this.used;
    this.used = at + bytes;
    return at;
  }

  /** Hands over all that was gathered, if the socket takes it. */
  flush(): void {
    if (this.used === 0 || this.inFlight !== undefined) return;
    const block = this.block;
    const bytes = this.used;
    this.block = NONE;
    this.used = 0;
    this.send(block, bytes);
  }

  /** The socket has drained: goes on with what was gathered meanwhile. */
  drained(): void {
    if (this.inFlight !== undefined) this.pool.give(this.inFlight);
    this.inFlight = undefined;
    while (this.inFlight === undefined && this.full.length > 0) {
      const next = this.full.shift() ?? NONE;
      this.fullBytes -= next.length;
      this.send(next, next.length);
    }
    this.flush();
  }

  /** Hands over all that there is, whether or not the socket is free, and ends our side. Nothing is written after. */
  end(): void {
    for (const block of this.full.splice(0)) this.socket.write(block);
    if (this.used > 0) this.socket.write(this.block.subarray(0, this.used));
    this.used = 0;
    this.fullBytes = 0;
    this.socket.end();
  }

  private turnOver(): void {
    if (this.inFlight !== undefined && this.used > 0) {
      this.full.push(this.block.subarray(0, this.used));
      this.fullBytes += this.used;
      this.used = 0;
    } else {
      this.flush();
    }
    this.block = this.pool.take();
  }

  private send(block: Buffer, bytes: number): void {
    if (this.socket.write(block.subarray(0, bytes))) this.pool.give(block);
    else this.inFlight = block;
  }
}
