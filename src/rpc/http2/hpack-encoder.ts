/**
 * Writes header blocks. What an answer says repeats: a `HeaderBlock` made once by the code is remembered by
 * the peer's dynamic table on first use, and from then on is the same few bytes, kept ready.
 *
 *     first use     88  5f 8b 1d 75 ..   :status 200; content-type: application/grpc, to be remembered
 *     later         88  be               :status 200; entry 62
 */
import { staticFieldIndex, staticNameIndex, FIRST_DYNAMIC_INDEX } from './hpack-static-table';
import { encodeHuffman, huffmanBytes } from './huffman';
import { DEFAULT_TABLE_BYTES } from './settings';

/** A name in lower case and a value of latin-1 characters. */
export type FieldPair = readonly [name: string, value: string];

/** Fields that are sent again and again: make one of each kind of answer, once for the program. */
export class HeaderBlock {
  private static made = 0;
  /** Where encoders keep what they know of this block. */
  readonly slot = HeaderBlock.made++;

  constructor(readonly fields: readonly FieldPair[]) {}
}

const FIELD_OVERHEAD_BYTES = 32;

const INDEXED = 0x80;
const REMEMBER = 0x40;
const TABLE_SIZE = 0x20;
const PLAIN = 0x00;

/** One direction's header compression state of a connection, on the writing side. */
export class HpackEncoder {
  /** What the peer's table holds, oldest first. Only fields that fit are added: nothing is ever evicted. */
  private readonly remembered: string[] = [];
  private rememberedBytes = 0;
  private tableBytes = DEFAULT_TABLE_BYTES;
  private sizeChanged = false;
  private ready: (Buffer | undefined)[] = [];

  /**
   * Obeys the peer's SETTINGS_HEADER_TABLE_SIZE. A smaller table is begun anew; a larger one is not made
   * use of, as the blocks that repeat are few.
   */
  limitTable(bytes: number): void {
    if (bytes >= this.tableBytes) return;
    this.tableBytes = bytes;
    this.sizeChanged = true;
    this.remembered.length = 0;
    this.rememberedBytes = 0;
    this.ready = [];
  }

  /** The bytes of a repeated block; they are kept and must not be changed. */
  repeated(block: HeaderBlock): Buffer {
    const ready = this.ready[block.slot];
    if (ready !== undefined) return ready;
    const before = this.remembered.length;
    const first = this.sizeChanged;
    const bytes = this.encode(block.fields, REMEMBER);
    if (this.remembered.length > before) {
      this.ready = []; // new entries moved the places of all others
    } else if (!first) {
      this.ready[block.slot] = bytes;
    }
    return bytes;
  }

  /** The bytes of a block that is sent once; the peer's table does not change. */
  once(fields: readonly FieldPair[]): Buffer {
    return this.encode(fields, PLAIN);
  }

  private encode(fields: readonly FieldPair[], form: number): Buffer {
    const out: number[] = [];
    if (this.sizeChanged) this.writeTableSize(out);
    for (const [name, value] of fields) this.writeField(out, name, value, form);
    return Buffer.from(out);
  }

  /** A peer that made its table smaller is told that we know; zero first drops all that it still holds. */
  private writeTableSize(out: number[]): void {
    this.sizeChanged = false;
    writeInteger(out, TABLE_SIZE, 0x1f, 0);
    if (this.tableBytes > 0) writeInteger(out, TABLE_SIZE, 0x1f, this.tableBytes);
  }

  private writeField(out: number[], name: string, value: string, form: number): void {
    const index = staticFieldIndex(name, value) || this.dynamicIndex(name, value);
    if (index > 0) {
      writeInteger(out, INDEXED, 0x7f, index);
      return;
    }
    const bytes = name.length + value.length + FIELD_OVERHEAD_BYTES;
    const remember = form === REMEMBER && this.rememberedBytes + bytes <= this.tableBytes;
    const nameIndex = staticNameIndex(name);
    if (remember) writeInteger(out, REMEMBER, 0x3f, nameIndex);
    else writeInteger(out, PLAIN, 0x0f, nameIndex);
    if (nameIndex === 0) writeString(out, name);
    writeString(out, value);
    if (remember) {
      this.remembered.push(fieldKey(name, value));
      this.rememberedBytes += bytes;
    }
  }

  private dynamicIndex(name: string, value: string): number {
    const place = this.remembered.indexOf(fieldKey(name, value));
    return place < 0 ? 0 : FIRST_DYNAMIC_INDEX + this.remembered.length - 1 - place;
  }
}

function fieldKey(name: string, value: string): string {
  return `${name}\0${value}`;
}

function writeInteger(out: number[], form: number, prefix: number, value: number): void {
  if (value < prefix) {
    out.push(form | value);
    return;
  }
  out.push(form | prefix);
  let rest = value - prefix;
  while (rest >= 0x80) {
    out.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  out.push(rest);
}

function writeString(out: number[], text: string): void {
  const plain = Buffer.from(text, 'latin1');
  const packedBytes = huffmanBytes(plain);
  if (packedBytes < plain.length) {
    writeInteger(out, 0x80, 0x7f, packedBytes);
    for (const byte of encodeHuffman(plain)) out.push(byte);
  } else {
    writeInteger(out, 0, 0x7f, plain.length);
    for (const byte of plain) out.push(byte);
  }
}
