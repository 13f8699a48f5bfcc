/** Looking up one property in a stored record's bytes without decoding the rest. Hot path. */
import { MAGIC_V2, SysFlag } from './record';

/** Bytes of a property key, with the separator that follows it. */
export function propertyKey(key: string): Buffer {
  return Buffer.from(`${key}\u0001`, 'utf8');
}

/**
 * The value of the first property with that key, `undefined` when the record has none.
 * @param record the bytes of one whole record, already checked
 * @param key made by `propertyKey`
 */
export function findProperty(record: Buffer, key: Buffer): string | undefined {
  let at = propertiesStart(record);
  while (at < record.length) {
    let end = record.indexOf(0x02, at);
    if (end < 0) end = record.length;
    if (matches(record, at, key)) return record.toString('utf8', at + key.length, end);
    at = end + 1;
  }
  return undefined;
}

/** All properties of a record, as text; see `parseProperties`. */
export function propertiesText(record: Buffer): string {
  return record.toString('utf8', propertiesStart(record));
}

/** When the broker stored the record, milliseconds since the epoch; 48 bits suffice. */
export function storeTimestampOf(record: Buffer): number {
  const bornV6 = (record.readInt32BE(36) & SysFlag.BORNHOST_V6) !== 0;
  return record.readUIntBE(bornV6 ? 70 : 58, 6);
}

/** The system flags of one whole record. */
export function sysFlagOf(record: Buffer): number {
  return record.readInt32BE(36);
}

/** The topic of one whole record, already checked. */
export function topicOf(record: Buffer): string {
  const at = topicLengthAt(record);
  const isV2 = record.readInt32BE(4) === MAGIC_V2;
  const from = at + (isV2 ? 2 : 1);
  const bytes = isV2 ? record.readInt16BE(at) : record.readInt8(at);
  return record.toString('utf8', from, from + bytes);
}

/** The property text of one whole record, already checked; the record CRC is part of it. */
export function propertiesTextOf(record: Buffer): string {
  return record.toString('utf8', propertiesStart(record));
}

function propertiesStart(record: Buffer): number {
  const at = topicLengthAt(record);
  if (record.readInt32BE(4) === MAGIC_V2) return at + 4 + record.readInt16BE(at);
  return at + 3 + record.readInt8(at);
}

function topicLengthAt(record: Buffer): number {
  const sysFlag = record.readInt32BE(36);
  let at = 84;
  if ((sysFlag & SysFlag.BORNHOST_V6) !== 0) at += 12;
  if ((sysFlag & SysFlag.STOREHOST_V6) !== 0) at += 12;
  return at + 4 + record.readInt32BE(at);
}

function matches(record: Buffer, at: number, key: Buffer): boolean {
  for (let i = 0; i < key.length; i++) if (record[at + i] !== key[i]) return false;
  return true;
}
