import type { ServiceDefinition } from '@grpc/grpc-js';
import type { ResourceName } from '../../src/message/public-message';
import type { Delivery } from '../../src/message/wire/delivered-message';
import { encodeDeliveries, writeReceiveMessageItem } from '../../src/proxy/codec/receive-codec';
import type { Message__Output } from '../../src/rpc/generated/apache/rocketmq/v2/Message';
import type { ReceiveMessageResponse__Output } from '../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageResponse';
import { loadService } from '../../src/rpc/protos';

const service: ServiceDefinition = loadService(
  'apache/rocketmq/v2/service.proto',
  'apache.rocketmq.v2.MessagingService',
);

/** What a consumer reads of a delivery, with the API's own codec. */
export function deliveredOverWire(delivery: Delivery, asked: ResourceName): Message__Output {
  const [encoded] = encodeDeliveries([delivery], asked, (_delivery, error) => {
    throw error;
  });
  if (encoded === undefined) throw new Error('no item');
  const bytes = writeReceiveMessageItem(encoded);
  const item = service.ReceiveMessage?.responseDeserialize(bytes) as ReceiveMessageResponse__Output;
  if (!item.message) throw new Error('the item is no message');
  return item.message;
}
