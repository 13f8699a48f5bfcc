/**
 * The broker's part of a receipt handle, 58 bytes as base64url:
 *
 *      0 version 1         14 physicalOffset 6    34 epoch 4         46 groupHash 4
 *      1 keyId 1           20 storeTimestamp 6    38 generation 4    50 mac 8
 *      2 queueId 4         26 uniqKeyHash 4       42 topicHash 4
 *      6 queueOffset 8     30 nonce 4
 *
 * big-endian; the MAC (SipHash-2-4) covers all before it. A handle therefore stays right when a
 * log's tail is cut and its offsets are given out again, and can't be forged.
 */
import { Code, StatusError } from '../../message/status';
import { readInt64, writeInt64 } from '../../message/int64';
import { sipHash, type SipKey } from './siphash';

const VERSION = 1;
const TOPIC_HASH_AT = 42;
const MAC_AT = 50;
const TOKEN_BYTES = MAC_AT + 8;
/** Length of a token's text. */
const TOKEN_CHARS = Math.ceil((TOKEN_BYTES * 4) / 3);

/** What a handle names: one delivery of one message to one group. */
export interface Delivery {
  readonly queueId: number;
  readonly queueOffset: number;
  readonly physicalOffset: number;
  readonly storeTimestamp: number;
  /** Java hash of the message's unique key, 0 without one. */
  readonly uniqKeyHash: number;
  readonly nonce: number;
  readonly epoch: number;
  /** Raised by each reset of the group on the topic. */
  readonly generation: number;
  readonly topicHash: number;
  readonly groupHash: number;
}

/** Keys by id; the newest one signs. */
export interface TokenKeys {
  readonly signingId: number;
  readonly keys: ReadonlyMap<number, SipKey>;
}

const scratch = Buffer.alloc(TOKEN_BYTES);
const mac = Buffer.alloc(8);

export function mintToken(keys: TokenKeys, delivery: Delivery): string {
  const key = keys.keys.get(keys.signingId);
  if (key === undefined) throw new RangeError(`no receipt handle key ${keys.signingId}`);
  scratch[0] = VERSION;
  scratch[1] = keys.signingId;
  scratch.writeInt32BE(delivery.queueId, 2);
  writeInt64(scratch, delivery.queueOffset, 6);
  scratch.writeUIntBE(delivery.physicalOffset, 14, 6);
  scratch.writeUIntBE(delivery.storeTimestamp, 20, 6);
  scratch.writeInt32BE(delivery.uniqKeyHash, 26);
  scratch.writeUInt32BE(delivery.nonce, 30);
  scratch.writeUInt32BE(delivery.epoch, 34);
  scratch.writeUInt32BE(delivery.generation, 38);
  scratch.writeInt32BE(delivery.topicHash, 42);
  scratch.writeInt32BE(delivery.groupHash, 46);
  sipHash(key, scratch, 0, MAC_AT, scratch, MAC_AT);
  return scratch.toString('base64url');
}

/** @throws StatusError INVALID_RECEIPT_HANDLE when the text was not minted with one of the keys. */
export function openToken(keys: TokenKeys, token: string): Delivery {
  if (token.length !== TOKEN_CHARS) throw invalidHandle('is not readable');
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length !== TOKEN_BYTES || bytes[0] !== VERSION) throw invalidHandle('is not readable');
  const key = keys.keys.get(bytes[1] ?? 0);
  if (key === undefined) throw invalidHandle('was signed with a key that is no longer valid');
  sipHash(key, bytes, 0, MAC_AT, mac, 0);
  if (mac.compare(bytes, MAC_AT, TOKEN_BYTES) !== 0) throw invalidHandle('has a wrong signature');
  return {
    queueId: bytes.readInt32BE(2),
    queueOffset: readInt64(bytes, 6),
    physicalOffset: bytes.readUIntBE(14, 6),
    storeTimestamp: bytes.readUIntBE(20, 6),
    uniqKeyHash: bytes.readInt32BE(26),
    nonce: bytes.readUInt32BE(30),
    epoch: bytes.readUInt32BE(34),
    generation: bytes.readUInt32BE(38),
    topicHash: bytes.readInt32BE(42),
    groupHash: bytes.readInt32BE(46),
  };
}

/** Java's hash of the topic that a token names, unverified; `undefined` when it is no token. */
export function topicHashOf(token: string): number | undefined {
  const bytes = Buffer.from(token, 'base64url');
  return bytes.length === TOKEN_BYTES ? bytes.readInt32BE(TOPIC_HASH_AT) : undefined;
}

export function invalidHandle(reason: string): StatusError {
  return new StatusError(Code.INVALID_RECEIPT_HANDLE, `receipt handle ${reason}`);
}
