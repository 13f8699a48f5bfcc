/** Writing and reading of the ledger's records: LEB128 numbers up to 2^53 - 1, and strings. */
export class ByteWriter {
  private buffer = Buffer.allocUnsafe(1024);
  private at = 0;

  get length(): number {
    return this.at;
  }

  byte(value: number): void {
    this.room(1);
    this.buffer[this.at++] = value;
  }

  uint32(value: number): void {
    this.room(4);
    this.at = this.buffer.writeUInt32BE(value, this.at);
  }

  varint(value: number): void {
    this.room(8);
    let rest = value;
    while (rest > 127) {
      this.buffer[this.at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.buffer[this.at++] = rest;
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.room(bytes);
    this.at += this.buffer.write(value, this.at);
  }

  /** The bytes written so far, copied; the writer is empty afterwards. */
  take(): Buffer {
    const bytes = Buffer.from(this.buffer.subarray(0, this.at));
    this.at = 0;
    return bytes;
  }

  private room(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }
}

export class ByteReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  /** @throws RangeError at the end of the bytes, as all readers here. */
  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new RangeError('ledger record is cut off');
    return value;
  }

  uint32(): number {
    const value = this.bytes.readUInt32BE(this.at);
    this.at += 4;
    return value;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) break;
      factor *= 128;
    }
    if (!Number.isSafeInteger(value)) throw new RangeError('number beyond 2^53 - 1');
    return value;
  }

  text(): string {
    const bytes = this.varint();
    if (this.at + bytes > this.bytes.length) throw new RangeError('ledger record is cut off');
    const value = this.bytes.toString('utf8', this.at, this.at + bytes);
    this.at += bytes;
    return value;
  }
}
