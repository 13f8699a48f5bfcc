/** ReceiveMessageRequest and the items of its answer stream. */
import type { ResourceName } from '../../message/public-message';
import type { SecondsAndNanos } from '../../message/time';
import {
  type Delivery,
  deliveredBytes,
  writeDelivered,
} from '../../message/wire/delivered-message';
import { readResource, readTime } from '../../message/wire/incoming-message';
import { tagOf, WireReader, WireType } from '../../message/wire/wire-reader';
import { WireWriter } from '../../message/wire/wire-writer';
import type { PublicStatus } from '../calls';
import { writer, writeStatus } from './status-codec';

const REQUEST = {
  group: tagOf(1, WireType.BYTES),
  messageQueue: tagOf(2, WireType.BYTES),
  filterExpression: tagOf(3, WireType.BYTES),
  batchSize: tagOf(4, WireType.VARINT),
  invisibleDuration: tagOf(5, WireType.BYTES),
  autoRenew: tagOf(6, WireType.VARINT),
  longPollingTimeout: tagOf(7, WireType.BYTES),
  attemptId: tagOf(8, WireType.BYTES),
} as const;
const QUEUE_TOPIC = tagOf(1, WireType.BYTES);
const QUEUE_BROKER = tagOf(4, WireType.BYTES);
const BROKER_NAME = tagOf(1, WireType.BYTES);
const FILTER_TYPE = tagOf(1, WireType.VARINT);
const FILTER_EXPRESSION = tagOf(2, WireType.BYTES);

/** What counts of a ReceiveMessageRequest. */
export interface ReceiveMessageCall {
  readonly group: ResourceName | null;
  readonly message_queue: {
    readonly topic: ResourceName | null;
    readonly broker: { readonly name: string } | null;
  } | null;
  readonly filter_expression: { readonly type: number; readonly expression: string } | null;
  readonly batch_size: number;
  readonly invisible_duration?: SecondsAndNanos | null;
  readonly auto_renew: boolean;
  readonly long_polling_timeout?: SecondsAndNanos | null;
  readonly attempt_id?: string;
}

/** An item of the answer stream that is bytes already: a message. */
export interface EncodedItem<D extends Delivery = Delivery> {
  readonly encoded: Buffer;
  readonly delivery: D;
}

/** When the messages were handed over. */
export interface DeliveryTime {
  readonly delivery_timestamp_ms: number;
}

export type ReceiveMessageItem = { readonly status: PublicStatus } | DeliveryTime | EncodedItem;

/** @throws RangeError when the bytes are no message */
export function readReceiveMessage(bytes: Buffer): ReceiveMessageCall {
  const reader = new WireReader(bytes);
  const call: { -readonly [K in keyof ReceiveMessageCall]: ReceiveMessageCall[K] } = {
    group: null,
    message_queue: null,
    filter_expression: null,
    batch_size: 0,
    auto_renew: false,
  };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === REQUEST.group) call.group = readResource(reader);
    else if (tag === REQUEST.messageQueue) call.message_queue = readQueue(reader);
    else if (tag === REQUEST.filterExpression) call.filter_expression = readFilter(reader);
    else if (tag === REQUEST.batchSize) call.batch_size = reader.int32();
    else if (tag === REQUEST.invisibleDuration) call.invisible_duration = readTime(reader);
    else if (tag === REQUEST.autoRenew) call.auto_renew = reader.bool();
    else if (tag === REQUEST.longPollingTimeout) call.long_polling_timeout = readTime(reader);
    else if (tag === REQUEST.attemptId) call.attempt_id = reader.string();
    else reader.skip(tag);
  }
  return call;
}

/**
 * Popped messages as items of an answer.
 * @param asked the topic as the consumer named it
 * @param unreadable hears of each whose record is not readable; it is left out
 */
export function encodeDeliveries<D extends Delivery>(
  deliveries: readonly D[],
  asked: ResourceName,
  unreadable: (delivery: D, error: unknown) => void,
): EncodedItem<D>[] {
  let bytes = 0;
  for (const delivery of deliveries) bytes += deliveredBytes(delivery);
  // One piece of memory for all: a message that waits for its client keeps no others than those of its answer.
  const answer = new WireWriter(bytes);
  const items: EncodedItem<D>[] = [];
  for (const delivery of deliveries) {
    const before = answer.length;
    try {
      writeDelivered(answer, 2, delivery, asked);
      items.push({ encoded: answer.since(before), delivery });
    } catch (error) {
      answer.rewind(before);
      unreadable(delivery, error);
    }
  }
  return items;
}

export function writeReceiveMessageItem(item: ReceiveMessageItem): Buffer {
  if ('encoded' in item) return item.encoded;
  if ('status' in item) writeStatus(1, item.status);
  else writer.time(3, item.delivery_timestamp_ms);
  return writer.take();
}

function readQueue(reader: WireReader): ReceiveMessageCall['message_queue'] {
  const outer = reader.enter();
  let topic: ResourceName | null = null;
  let broker: { readonly name: string } | null = null;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === QUEUE_TOPIC) topic = readResource(reader);
    else if (tag === QUEUE_BROKER) broker = readBroker(reader);
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { topic, broker };
}

function readBroker(reader: WireReader): { readonly name: string } {
  const outer = reader.enter();
  let name = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === BROKER_NAME) name = reader.string();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { name };
}

function readFilter(reader: WireReader): ReceiveMessageCall['filter_expression'] {
  const outer = reader.enter();
  let type = 0;
  let expression = '';
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === FILTER_TYPE) type = reader.int32();
    else if (tag === FILTER_EXPRESSION) expression = reader.string();
    else reader.skip(tag);
  }
  reader.leave(outer);
  return { type, expression };
}
