/**
 * Apache RocketMQ's message id that says where a message lies: upper-case hex of the store host's
 * address (4 or 16 bytes), its port (4) and the position in its log (8).
 */
import type { Host } from './host';
import { readInt64, writeInt64 } from './int64';

const TEXT = /^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{56})$/;

export interface MessagePlace {
  readonly storeHost: Host;
  readonly physicalOffset: number;
}

export function offsetMessageId({ storeHost, physicalOffset }: MessagePlace): string {
  const { address, port } = storeHost;
  const bytes = Buffer.alloc(address.length + 12);
  bytes.set(address);
  bytes.writeInt32BE(port, address.length);
  writeInt64(bytes, physicalOffset, address.length + 4);
  return bytes.toString('hex').toUpperCase();
}

/** The place that an id speaks of; `undefined` when it is another kind of id. */
export function parseOffsetMessageId(id: string): MessagePlace | undefined {
  if (!TEXT.test(id)) return undefined;
  const bytes = Buffer.from(id, 'hex');
  const addressBytes = bytes.length - 12;
  try {
    const physicalOffset = readInt64(bytes, addressBytes + 4);
    const port = bytes.readInt32BE(addressBytes);
    return { storeHost: { address: bytes.subarray(0, addressBytes), port }, physicalOffset };
  } catch {
    return undefined;
  }
}
