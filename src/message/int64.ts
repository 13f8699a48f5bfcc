/**
 * 64-bit integers in big-endian bytes as numbers. Offsets and times fit 2^53 - 1; what does not is
 * refused where it is decoded.
 */
const TWO_32 = 4294967296;

export function writeInt64(target: Buffer, value: number, at: number): void {
  target.writeInt32BE(Math.floor(value / TWO_32), at);
  target.writeUInt32BE(value >>> 0, at + 4);
}

/** @throws RangeError when the value is beyond +-(2^53 - 1). */
export function readInt64(source: Buffer, at: number): number {
  const value = source.readInt32BE(at) * TWO_32 + source.readUInt32BE(at + 4);
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`64-bit integer at byte ${at} is beyond 2^53 - 1`);
  }
  return value;
}
