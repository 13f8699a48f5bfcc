/**
 * Writes protobuf from its beginning into memory of the right size, for messages with large fields: these are copied once.
 * A field with its default is left out, and takes no bytes.
 */
import { tagOf, WireType } from './wire-reader';
import { putVarint, varintBytes } from './wire-writer';

/** Bytes of a number's field; tags are of fields up to 15. */
export function numberBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** Bytes of a field with so many bytes in it. */
export function fieldBytes(bytes: number): number {
  return bytes === 0 ? 0 : 1 + varintBytes(bytes) + bytes;
}

export class SizedWriter {
  readonly target: Buffer;
  /** Where the next byte goes. */
  at = 0;

  /** @param bytes what all fields take together */
  constructor(bytes: number) {
    this.target = Buffer.allocUnsafe(bytes);
  }

  /** @param value 0 .. 2^53 - 1 */
  number(field: number, value: number): void {
    if (value === 0) return;
    this.target[this.at++] = tagOf(field, WireType.VARINT);
    this.varint(value);
  }

  /** A field's tag and length; its bytes follow, unless there are none. */
  head(field: number, bytes: number): void {
    this.target[this.at++] = tagOf(field, WireType.BYTES);
    this.varint(bytes);
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length === 0) return;
    this.head(field, value.length);
    this.target.set(value, this.at);
    this.at += value.length;
  }

  /** @param bytes the text's in UTF-8 */
  text(field: number, value: string, bytes: number): void {
    if (bytes === 0) return;
    this.head(field, bytes);
    this.at += this.target.write(value, this.at, bytes, bytes === value.length ? 'latin1' : 'utf8');
  }

  private varint(value: number): void {
    this.at = putVarint(this.target, this.at, value);
  }
}
