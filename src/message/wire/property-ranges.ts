/**
 * A stored record's properties as places in its bytes: what a delivery copies is never made a string. The rules
 * are `parseProperties`'s (../properties).
 */
import { Property, systemPropertyKeys } from '../properties';
import { textOf } from './wire-reader';

/** System properties that a delivery shows in fields of their own. */
const SHOWN = [
  Property.TAGS,
  Property.KEYS,
  Property.UNIQ_KEY,
  Property.TRAN_MSG,
  Property.DELAY,
  Property.TIMER_DELIVER_MS,
  Property.SHARDINGKEY,
  Property.BORNHOST,
  Property.TRACE_CONTEXT,
  Property.LITE_TOPIC,
  Property.PRIORITY,
  Property.DLQ_ORIGIN_TOPIC,
  Property.DLQ_ORIGIN_MESSAGE_ID,
] as const;
export type ShownProperty = (typeof SHOWN)[number];

/** A key's number: its place in SHOWN, or one of these. */
const USER = -1;
const HIDDEN = -2;

const NO_BYTES: Buffer = Buffer.alloc(0);
const SEPARATOR = 1;
const END = 2;

interface KnownKey {
  readonly bytes: Buffer;
  readonly number: number;
}

/** System keys by their length. */
const knownKeys: KnownKey[][] = [];
for (const key of systemPropertyKeys()) {
  const bytes = Buffer.from(key, 'latin1');
  const number = (SHOWN as readonly string[]).indexOf(key);
  (knownKeys[bytes.length] ??= []).push({ bytes, number: number < 0 ? HIDDEN : number });
}

/** Used again and again: what it holds is right until the next `read`. */
export class PropertyRanges {
  /** What the positions are in. */
  bytes: Buffer = NO_BYTES;
  /** False when a byte is not ASCII, and the text may be no UTF-8 at all. */
  ascii = true;
  /** Of user properties, four positions each: key, its end, value, its end. */
  readonly user: number[] = [];
  /** Value and its end of each shown property, -1 for those that are absent. */
  private readonly shown = new Int32Array(SHOWN.length * 2);

  /** Lets go of the bytes. */
  clear(): void {
    this.bytes = NO_BYTES;
  }

  /** Reads property text from `start` to `end`. */
  read(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.user.length = 0;
    this.shown.fill(-1);
    let allBits = 0;
    let key = start;
    let separator = -1;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] ?? 0;
      allBits |= byte;
      if (byte === SEPARATOR) {
        if (separator < 0) separator = at;
      } else if (byte === END) {
        this.add(key, separator, at);
        key = at + 1;
        separator = -1;
      }
    }
    this.add(key, separator, end);
    this.ascii = allBits < 128;
  }

  has(property: ShownProperty): boolean {
    return this.startOf(property) >= 0;
  }

  /** Where the value begins, -1 when the property is absent. */
  startOf(property: ShownProperty): number {
    return this.shown[SHOWN.indexOf(property) * 2] ?? -1;
  }

  endOf(property: ShownProperty): number {
    return this.shown[SHOWN.indexOf(property) * 2 + 1] ?? -1;
  }

  text(property: ShownProperty): string | undefined {
    const start = this.startOf(property);
    return start < 0 ? undefined : textOf(this.bytes, start, this.endOf(property));
  }

  private add(key: number, separator: number, end: number): void {
    if (separator <= key || separator + 1 >= end) return;
    const number = this.numberOf(key, separator);
    if (number === USER) this.user.push(key, separator, separator + 1, end);
    else if (number !== HIDDEN) {
      this.shown[number * 2] = separator + 1;
      this.shown[number * 2 + 1] = end;
    }
  }

  private numberOf(start: number, end: number): number {
    for (const known of knownKeys[end - start] ?? []) {
      if (this.isKey(known.bytes, start)) return known.number;
    }
    return USER;
  }

  private isKey(key: Buffer, start: number): boolean {
    for (let i = 0; i < key.length; i++) if (key[i] !== this.bytes[start + i]) return false;
    return true;
  }
}
