/** A stored record as commands show it. */
import { isUtf8 } from 'node:buffer';
import { unzipSync } from 'node:zlib';

import type { FoundMessage } from '../api/message-search';
import { hostText } from '../message/host';
import { offsetMessageId } from '../message/offset-message-id';
import { isSystemPropertyKey, Property } from '../message/properties';
import { readRecord, recordProperties, SysFlag } from '../message/record';

const MAX_UNZIPPED_BYTES = 64 * 1024 * 1024;

export interface StoredMessage {
  /** '' when the producer gave none. */
  readonly messageId: string;
  /** Apache RocketMQ's id of the place where the message lies. */
  readonly offsetMessageId: string;
  readonly topic: string;
  /** Where a producer sent it that did not know later whether to commit it. */
  readonly sentTo?: string;
  readonly broker: string;
  readonly queue: number;
  /** Within the queue. */
  readonly offset: number;
  readonly tag?: string;
  readonly keys: readonly string[];
  /** The producer's own. */
  readonly properties: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly storedAt: string;
  readonly bornAt: string;
  readonly bornHost: string;
  /** The body where it is UTF-8, else `bodyBase64`. */
  readonly body?: string;
  readonly bodyBase64?: string;
}

export function messageView({ broker, record: bytes }: FoundMessage): StoredMessage {
  const record = readRecord(bytes, 0);
  const properties = recordProperties(record);
  const tag = properties.get(Property.TAGS);
  const sentTo = properties.get(Property.REAL_TOPIC);
  const own = [...properties].filter(([key]) => !isSystemPropertyKey(key));
  const body = unzipped(record.body, (record.sysFlag & SysFlag.COMPRESSED) !== 0);
  return {
    messageId: properties.get(Property.UNIQ_KEY) ?? '',
    offsetMessageId: offsetMessageId(record),
    topic: record.topic,
    ...(sentTo === undefined ? {} : { sentTo }),
    broker,
    queue: record.queueId,
    offset: record.queueOffset,
    ...(tag === undefined ? {} : { tag }),
    keys: (properties.get(Property.KEYS) ?? '').split(' ').filter((key) => key !== ''),
    properties: Object.fromEntries(own),
    storedAt: new Date(record.storeTimestamp).toISOString(),
    bornAt: new Date(record.bornTimestamp).toISOString(),
    bornHost: hostText(record.bornHost),
    ...(isUtf8(body) ? { body: body.toString() } : { bodyBase64: body.toString('base64') }),
  };
}

/** A compressed body that is neither gzip nor zlib stays as it is. */
function unzipped(body: Buffer, compressed: boolean): Buffer {
  if (!compressed) return body;
  try {
    return unzipSync(body, { maxOutputLength: MAX_UNZIPPED_BYTES });
  } catch {
    return body;
  }
}
