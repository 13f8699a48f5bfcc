/**
 * gRPC's messages within a stream's bytes:
 *
 *     +------------+--------------------+---------------------+
 *     | flags (8)  |  length (32)       |  message ...        |     flags: 1 = compressed
 *     +------------+--------------------+---------------------+
 *
 * A message may lie in several DATA frames, and a DATA frame may hold several messages.
 */
import { readUint32, writeUint32 } from '../http2/frame';

export const PREFIX_BYTES = 5;

/** The prefix of a message to send; the same bytes are used for the next one, so send them at once. */
export function messagePrefix(compressed: boolean, bytes: number): Uint8Array {
  prefix[0] = compressed ? 1 : 0;
  writeUint32(prefix, 1, bytes);
  return prefix;
}

const prefix = new Uint8Array(PREFIX_BYTES);

/** Hears what a `MessageReader` finds. Each answers whether more is wanted. */
export interface MessageSink {
  /**
   * A whole message. `held`: its bytes were announced by `onHold`; if not, it is part of the chunk that it came
   * in.
   */
  onMessage(compressed: boolean, message: Buffer, held: boolean): boolean;
  /** A message that is announced with more bytes than allowed, or with flags that do not exist. */
  onBadMessage(flags: number, bytes: number): void;
  /** `bytes` more are kept for a message that is not whole yet; false: that is too much. */
  onHold(bytes: number): boolean;
}

/** What is there of a message whose end has not come. */
interface Partial {
  readonly prefix: Buffer;
  prefixBytes: number;
  message: Buffer;
  messageBytes: number;
}

/** A buffer for a message grows by this factor: never more than that times what has come. */
const GROWTH = 4;
const FIRST_BYTES = 4096;

/** Cuts messages out of a stream's bytes. */
export class MessageReader {
  private partial: Partial | undefined;

  constructor(
    private readonly maxMessageBytes: number,
    private readonly sink: MessageSink,
  ) {}

  /** True when the bytes so far end inside a message. */
  get midMessage(): boolean {
    return this.partial !== undefined;
  }

  /** Takes the next bytes of the stream. */
  push(bytes: Buffer, start: number, end: number): void {
    let at = start;
    if (this.partial !== undefined) {
      at = this.complete(this.partial, bytes, at, end);
      if (at < 0) return;
    }
    while (end - at >= PREFIX_BYTES) {
      const flags = bytes[at] ?? 0;
      const length = readUint32(bytes, at + 1);
      if (!this.isAllowed(flags, length)) return;
      const next = at + PREFIX_BYTES + length;
      if (next > end) break;
      if (!this.sink.onMessage(flags === 1, bytes.subarray(at + PREFIX_BYTES, next), false)) return;
      at = next;
    }
    if (at < end) {
      this.partial = {
        prefix: Buffer.alloc(PREFIX_BYTES),
        prefixBytes: 0,
        message: NONE,
        messageBytes: 0,
      };
      this.complete(this.partial, bytes, at, end);
    }
  }

  private isAllowed(flags: number, length: number): boolean {
    if (flags <= 1 && length <= this.maxMessageBytes) return true;
    this.partial = undefined;
    this.sink.onBadMessage(flags, length);
    return false;
  }

  /** Adds to the partial message; answers where the bytes go on, or -1. */
  private complete(partial: Partial, bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (partial.prefixBytes < PREFIX_BYTES) {
      if (at === end) return -1;
      partial.prefix[partial.prefixBytes++] = bytes[at++] ?? 0;
    }
    const flags = partial.prefix[0] ?? 0;
    const length = readUint32(partial.prefix, 1);
    if (partial.messageBytes === 0 && !this.isAllowed(flags, length)) return -1;
    const take = Math.min(length - partial.messageBytes, end - at);
    if (!this.makeRoom(partial, length, partial.messageBytes + take)) return -1;
    bytes.copy(partial.message, partial.messageBytes, at, at + take);
    partial.messageBytes += take;
    if (partial.messageBytes < length) return -1;
    this.partial = undefined;
    const message = partial.message.subarray(0, length);
    return this.sink.onMessage(flags === 1, message, true) ? at + take : -1;
  }

  private makeRoom(partial: Partial, length: number, needed: number): boolean {
    const held = partial.message.length;
    if (needed <= held) return true;
    const room = Math.min(length, Math.max(FIRST_BYTES, needed, held * GROWTH));
    if (!this.sink.onHold(room - held)) return false;
    const larger = Buffer.allocUnsafe(room);
    partial.message.copy(larger, 0, 0, partial.messageBytes);
    partial.message = larger;
    return true;
  }
}

const NONE = Buffer.alloc(0);
