/**
 * Reads header blocks (RFC 7541, section 6). A block is a sequence of
 *
 *     1 i i i i i i i     an entry of the tables                        index: 7-bit prefix
 *     0 1 i i i i i i     a field, to be remembered                     name index: 6-bit prefix, 0 = a string
 *     0 0 1 s s s s s     the dynamic table's new size                  size: 5-bit prefix, first in a block only
 *     0 0 0 x i i i i     a field, not to be remembered (x: never)      name index: 4-bit prefix, 0 = a string
 *
 *     integer  value in the prefix, or a prefix of ones and 7 bits a byte, lowest first, 1xxxxxxx = more
 *     string   H | length: 7-bit prefix | length bytes, Huffman-coded when H
 */
import { ConnectionError, ErrorCode } from './error-code';
import { HeaderField } from './header-field';
import { DynamicTable } from './hpack-dynamic-table';
import { FIRST_DYNAMIC_INDEX, STATIC_TABLE } from './hpack-static-table';
import { decodeHuffman } from './huffman';

/** Continuation bytes of an integer: five carry 35 bits, more than any size here. */
const MAX_INTEGER_BYTES = 5;

/** Where Huffman-coded strings are unpacked; shared, as it is used within one call only. */
let scratch = Buffer.allocUnsafe(4096);

const EMPTY = Buffer.alloc(0);

/** One direction's header compression state of a connection, on the reading side. */
export class HpackDecoder {
  private readonly table: DynamicTable;
  private bytes: Buffer = EMPTY;
  private at = 0;
  private end = 0;
  private listBytes = 0;

  /**
   * @param maxTableBytes the SETTINGS_HEADER_TABLE_SIZE that we told the peer
   * @param maxListBytes fields above this sum of sizes are read but not kept
   */
  constructor(
    private maxTableBytes: number,
    private readonly maxListBytes: number,
  ) {
    this.table = new DynamicTable(maxTableBytes);
  }

  /**
   * The peer knows of another SETTINGS_HEADER_TABLE_SIZE now. When its table may still be larger than that, the next
   * block has to begin with a smaller size (RFC 9113, section 4.3.1).
   */
  limitTable(bytes: number): void {
    this.maxTableBytes = bytes;
  }

  /** Changes whenever the dynamic table does: equal versions read equal bytes alike. */
  get tableVersion(): number {
    return this.table.version;
  }

  /** True when the last block's fields were more than allowed; what `decode` answered is then not all. */
  get overflowed(): boolean {
    return this.listBytes > this.maxListBytes;
  }

  /**
   * The fields of the block `bytes[start .. end)`, in order.
   * @throws ConnectionError COMPRESSION_ERROR: the tables of both sides no longer agree
   */
  decode(bytes: Buffer, start: number, end: number): HeaderField[] {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.listBytes = 0;
    const fields: HeaderField[] = [];
    while (this.at < end && ((bytes[this.at] ?? 0) & 0xe0) === 0x20) this.resizeTable();
    if (this.table.limit > this.maxTableBytes) {
      throw compressionError(`a dynamic table still of ${this.table.limit} bytes`);
    }
    while (this.at < end) {
      const field = this.field();
      this.listBytes += field.bytes;
      if (this.listBytes <= this.maxListBytes) fields.push(field);
    }
    this.bytes = EMPTY; // an idle connection holds no chunk
    return fields;
  }

  private field(): HeaderField {
    const first = this.bytes[this.at] ?? 0;
    if (first >= 0x80) return this.entry(this.integer(0x7f));
    if (first >= 0x40) {
      const field = this.literal(0x3f);
      this.table.insert(field);
      return field;
    }
    if (first >= 0x20) throw compressionError('a table size change inside a header block');
    return this.literal(0x0f);
  }

  private literal(prefix: number): HeaderField {
    const index = this.integer(prefix);
    if (index === 0) return new HeaderField(this.string(), this.string());
    const { name, nameKind } = this.entry(index);
    return new HeaderField(name, this.string(), nameKind);
  }

  private entry(index: number): HeaderField {
    const field =
      index < FIRST_DYNAMIC_INDEX
        ? STATIC_TABLE[index]
        : this.table.at(index - FIRST_DYNAMIC_INDEX);
    if (field === undefined || index === 0) {
      throw compressionError(`no header field has the index ${index}`);
    }
    return field;
  }

  private resizeTable(): void {
    const bytes = this.integer(0x1f);
    if (bytes > this.maxTableBytes) {
      throw compressionError(
        `a dynamic table of ${bytes} bytes is above the limit of ${this.maxTableBytes}`,
      );
    }
    this.table.resize(bytes);
  }

  private integer(prefix: number): number {
    let value = (this.bytes[this.at++] ?? 0) & prefix;
    if (value < prefix) return value;
    let scale = 1;
    for (let count = 0; count < MAX_INTEGER_BYTES; count++) {
      if (this.at >= this.end) throw compressionError('a header block ends inside an integer');
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw compressionError(`an integer of more than ${MAX_INTEGER_BYTES} bytes`);
  }

  private string(): string {
    if (this.at >= this.end) throw compressionError('a header block ends before a string');
    const huffman = (this.bytes[this.at] ?? 0) >= 0x80;
    const length = this.integer(0x7f);
    const start = this.at;
    const end = start + length;
    if (end > this.end) throw compressionError('a header block ends inside a string');
    this.at = end;
    if (!huffman) return this.bytes.toString('latin1', start, end);
    const room = Math.ceil((length * 8) / 5);
    if (room > scratch.length) scratch = Buffer.allocUnsafe(room * 2);
    return scratch.toString('latin1', 0, decodeHuffman(this.bytes, start, end, scratch));
  }
}

function compressionError(text: string): ConnectionError {
  return new ConnectionError(ErrorCode.COMPRESSION_ERROR, text);
}
