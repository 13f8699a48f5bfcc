/**
 * Reads protobuf in place: fields are found by their tags, and what nobody asks for is skipped without being
 * decoded. (https://protobuf.dev/programming-guides/encoding/)
 */
export const WireType = {
  VARINT: 0,
  FIXED64: 1,
  BYTES: 2,
  GROUP: 3,
  END_GROUP: 4,
  FIXED32: 5,
} as const;

const TWO_32 = 4294967296;
/** Strings up to this length are looked at byte by byte: a call into the engine costs more. */
const SHORT_BYTES = 6;

/** The tag of a field: its number and how it is written. */
export function tagOf(field: number, type: number): number {
  return (field << 3) | type;
}

export class WireReader {
  private at = 0;
  /** First byte behind the message that is being read. */
  private limit: number;

  constructor(readonly bytes: Buffer) {
    this.limit = bytes.length;
  }

  /**
   * The next field's tag, 0 at the end of the message.
   * @throws RangeError for a tag that no field has
   */
  tag(): number {
    if (this.at === this.limit) return 0;
    const tag = this.uint32();
    if (tag >>> 3 === 0) throw new RangeError(`no field has the tag ${tag}`);
    return tag;
  }

  /** A varint's low 32 bits, unsigned. @throws RangeError past the end or after ten bytes */
  uint32(): number {
    const { bytes } = this;
    const first = this.at < this.limit ? (bytes[this.at] ?? 0) : this.beyond();
    this.at++;
    if (first < 128) return first;
    let value = first & 127;
    for (let shift = 7; shift < 70; shift += 7) {
      const byte = this.at < this.limit ? (bytes[this.at] ?? 0) : this.beyond();
      this.at++;
      if (shift < 32) value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    throw new RangeError('a varint has more than ten bytes');
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.int64() !== 0;
  }

  /** A signed 64-bit varint as a number; beyond 2^53 it is the nearest one. */
  int64(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.at < this.limit ? (this.bytes[this.at] ?? 0) : this.beyond();
      this.at++;
      const part = byte & 127;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= part << 28;
        high = part >>> 4;
      } else high |= part << (shift - 32);
      if (byte < 128) return high * TWO_32 + (low >>> 0);
    }
    throw new RangeError('a varint has more than ten bytes');
  }

  /** A string; what is no UTF-8 becomes U+FFFD. */
  string(): string {
    const start = this.begin();
    const end = this.at;
    return textOf(this.bytes, start, end);
  }

  /** A view of bytes, not a copy. */
  view(): Buffer {
    const start = this.begin();
    return this.bytes.subarray(start, this.at);
  }

  /** Goes into a message that is a field; `leave` with what this answers goes out of it. */
  enter(): number {
    const outer = this.limit;
    const start = this.begin();
    this.limit = this.at;
    this.at = start;
    return outer;
  }

  leave(outer: number): void {
    this.limit = outer;
  }

  /** Passes over the field whose tag was just read. @throws RangeError for a wire type that is none */
  skip(tag: number): void {
    switch (tag & 7) {
      case WireType.VARINT:
        this.int64();
        return;
      case WireType.FIXED64:
        this.advance(8);
        return;
      case WireType.BYTES:
        this.begin();
        return;
      case WireType.GROUP:
        this.skipGroup(tag >>> 3);
        return;
      case WireType.FIXED32:
        this.advance(4);
        return;
      default:
        throw new RangeError(`field ${tag >>> 3} has the unknown wire type ${tag & 7}`);
    }
  }

  private skipGroup(field: number): void {
    for (let depth = 1; depth > 0;) {
      const tag = this.tag();
      const type = tag & 7;
      if (tag === 0) this.beyond();
      if (type === WireType.GROUP) depth++;
      else if (type === WireType.END_GROUP) depth--;
      else this.skip(tag);
      if (depth > 100) throw new RangeError(`groups in field ${field} are more than 100 deep`);
    }
  }

  /** Reads a length and passes over as many bytes; answers where they begin. */
  private begin(): number {
    const length = this.uint32();
    const start = this.at;
    this.advance(length);
    return start;
  }

  private advance(bytes: number): void {
    if (bytes > this.limit - this.at) this.beyond();
    this.at += bytes;
  }

  private beyond(): never {
    throw new RangeError(`a field reaches beyond its message's end at byte ${this.limit}`);
  }
}

/** UTF-8 as a string. Short ASCII, as nearly all names and ids are, is made without a call into the engine. */
export function textOf(bytes: Buffer, start: number, end: number): string {
  if (end - start <= SHORT_BYTES) {
    let text = '';
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      if (byte > 127) return bytes.toString('utf8', start, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }
  for (let at = start; at < end; at++) {
    if ((bytes[at] ?? 0) > 127) return bytes.toString('utf8', start, end);
  }
  return bytes.toString('latin1', start, end);
}
