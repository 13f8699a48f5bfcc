/**
 * Writes protobuf from its end to its beginning, so that a field's length is known before it is written and
 * nothing is measured twice:
 *
 *     |      free      | tag  length  field | tag  length  field |
 *                      ^ at      <-- writing goes this way
 *
 * So the last field is written first, and what is in a message before its tag. `take` answers a copy and uses the room
 * again; `since` answers the place itself.
 */
import { tagOf, WireType } from './wire-reader';

const TWO_32 = 4294967296;
const FIRST_BYTES = 16 * 1024;
/** Room above this is given back after use. */
const KEPT_BYTES = 256 * 1024;
/** Up to these lengths it is cheaper to write byte by byte than to call into the engine. */
const SHORT_BYTES = 48;
const SHORT_CHARS = 100;

export class WireWriter {
  private room: Buffer;
  private at: number;

  /** @param bytes that there is room for at first */
  constructor(bytes = FIRST_BYTES) {
    this.room = Buffer.allocUnsafeSlow(bytes);
    this.at = bytes;
  }

  /** Bytes written since `take`. */
  get length(): number {
    return this.room.length - this.at;
  }

  /** A varint of up to 53 bits; a negative one takes ten bytes, as int32 and int64 want it. */
  varint(value: number): void {
    this.reserve(10);
    if (value < 0) {
      this.negative(value);
      return;
    }
    this.at -= varintBytes(value);
    putVarint(this.room, this.at, value);
  }

  /** A number that is left out when it is 0, the default. */
  number(field: number, value: number): void {
    if (value !== 0) this.numberAlways(field, value);
  }

  numberAlways(field: number, value: number): void {
    this.varint(value);
    this.varint(tagOf(field, WireType.VARINT));
  }

  /** A string that is left out when it is empty, the default. */
  string(field: number, value: string): void {
    if (value !== '') this.stringAlways(field, value);
  }

  stringAlways(field: number, value: string): void {
    const before = this.length;
    this.text(value);
    this.endBytes(field, before);
  }

  /** Bytes as they are: a string's UTF-8, or messages that were written before. */
  raw(source: Uint8Array, start = 0, end = source.length): void {
    const bytes = end - start;
    this.reserve(bytes);
    this.at -= bytes;
    if (bytes > SHORT_BYTES) {
      this.room.set(source.subarray(start, end), this.at);
      return;
    }
    const { room } = this;
    for (let from = start, to = this.at; from < end; from++) room[to++] = source[from] ?? 0;
  }

  /** Length and tag of a field whose bytes stand behind: they were written, or are put there later. */
  bytesHead(field: number, bytes: number): void {
    this.varint(bytes);
    this.varint(tagOf(field, WireType.BYTES));
  }

  /**
   * Ends what is one field: writes the length of all that was written since `length` was `before`, and the tag.
   */
  endBytes(field: number, before: number): void {
    this.bytesHead(field, this.length - before);
  }

  /** A Timestamp or Duration of so many milliseconds; both its fields have the same sign. */
  time(field: number, ms: number): void {
    const seconds = Math.trunc(ms / 1000);
    const before = this.length;
    this.number(2, Math.trunc(ms - seconds * 1000) * 1_000_000);
    this.number(1, seconds);
    this.endBytes(field, before);
  }

  /** What was written since `length` was `before`, where it lies; it stays as it is until `take` or `rewind`. */
  since(before: number): Buffer {
    return this.room.subarray(this.at, this.room.length - before);
  }

  /** Forgets what was written since `length` was `before`. */
  rewind(before: number): void {
    this.at = this.room.length - before;
  }

  /** A copy of what was written; begins anew. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.length);
    this.room.copy(taken, 0, this.at);
    if (this.room.length > KEPT_BYTES) this.room = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.at = this.room.length;
    return taken;
  }

  private text(value: string): void {
    const chars = value.length;
    if (chars <= SHORT_CHARS) {
      this.reserve(chars);
      let at = this.at;
      let i = chars;
      while (i > 0) {
        const char = value.charCodeAt(--i);
        if (char > 127) break;
        this.room[--at] = char;
        if (i === 0) {
          this.at = at;
          return;
        }
      }
      if (chars === 0) return;
    }
    const bytes = Buffer.byteLength(value);
    this.reserve(bytes);
    this.at -= bytes;
    this.room.write(value, this.at, bytes, 'utf8');
  }

  private negative(value: number): void {
    let low = value >>> 0;
    let high = Math.floor(value / TWO_32) >>> 0;
    let at = this.at - 10;
    this.at = at;
    for (let i = 0; i < 9; i++) {
      this.room[at++] = (low & 127) | 128;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.room[at] = low & 1;
  }

  private reserve(bytes: number): void {
    if (bytes <= this.at) return;
    const used = this.length;
    const room = Buffer.allocUnsafeSlow(Math.max(this.room.length * 2, used + bytes));
    const at = room.length - used;
    this.room.copy(room, at, this.at);
    this.room = room;
    this.at = at;
  }
}

/**
 * Writes a varint of up to 53 bits from `at` on; answers where it ends. Hot path.
 * @param value 0 .. 2^53 - 1
 */
export function putVarint(target: Uint8Array, at: number, value: number): number {
  let next = at;
  let rest = value;
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) target[next++] = (rest % 128) | 128;
  for (; rest > 127; rest >>>= 7) target[next++] = (rest & 127) | 128;
  target[next++] = rest;
  return next;
}

/** Bytes that a varint takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
