/** The few forms of DER (ITU-T X.690) that a certificate is made of: tag, length, content. */

const Tag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  OBJECT_IDENTIFIER: 0x06,
  UTF8_STRING: 0x0c,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

/** Any element. Lengths from 128 on are written in as many bytes as they need, behind 0x80 + their count. */
export function element(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const digits = content.length.toString(16);
  const length = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  return Buffer.concat([Buffer.of(tag, 0x80 + length.length), length, content]);
}

export const sequence = (...items: readonly Uint8Array[]): Buffer =>
  element(Tag.SEQUENCE, ...items);

export const set = (...items: readonly Uint8Array[]): Buffer => element(Tag.SET, ...items);

/** A positive number, given by its bytes, which do not begin with zeros. */
export function integer(bytes: Uint8Array): Buffer {
  const negative = ((bytes[0] ?? 0) & 0x80) !== 0;
  return element(Tag.INTEGER, negative ? Buffer.of(0) : Buffer.alloc(0), bytes);
}

export const boolean = (value: boolean): Buffer =>
  element(Tag.BOOLEAN, Buffer.of(value ? 0xff : 0));

/** Whole bytes, less `unused` bits at the end. */
export const bitString = (bytes: Uint8Array, unused = 0): Buffer =>
  element(Tag.BIT_STRING, Buffer.of(unused), bytes);

export const octetString = (bytes: Uint8Array): Buffer => element(Tag.OCTET_STRING, bytes);

export const utf8String = (text: string): Buffer => element(Tag.UTF8_STRING, Buffer.from(text));

/** @param dotted such as `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return element(Tag.OBJECT_IDENTIFIER, Buffer.from(bytes));
}

/** A time, to the second: with two digits of the year before 2050, with four from then on (RFC 5280, 4.1.2.5). */
export function time(wallMs: number): Buffer {
  const digits = new Date(wallMs).toISOString().replace(/\.\d+|[-:T]/g, '');
  return digits < '2050'
    ? element(Tag.UTC_TIME, Buffer.from(digits.slice(2)))
    : element(Tag.GENERALIZED_TIME, Buffer.from(digits));
}
