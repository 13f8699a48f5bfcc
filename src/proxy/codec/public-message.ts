/** A stored record as the message that its producer sent. */
import type { ResourceName } from '../../message/public-message';
import type { Message__Output } from '../../rpc/generated/apache/rocketmq/v2/Message';
import type { MessagingServiceDefinition } from '../../rpc/generated/apache/rocketmq/v2/MessagingService';
import { loadService } from '../../rpc/protos';
import { encodeDeliveries } from './receive-codec';

let decode: MessagingServiceDefinition['ReceiveMessage']['responseDeserialize'] | undefined;

/**
 * What a consumer would get, but for the fields of a delivery.
 * @throws RangeError when the bytes are no record
 */
export function asSent(record: Buffer, topic: ResourceName): Message__Output {
  decode ??= (
    loadService(
      'apache/rocketmq/v2/service.proto',
      'apache.rocketmq.v2.MessagingService',
    ) as unknown as MessagingServiceDefinition
  ).ReceiveMessage.responseDeserialize;
  const delivery = { record, receiptHandle: '', attempt: 0, invisibleMs: 0 };
  const [item] = encodeDeliveries([delivery], topic, (_delivery, error) => {
    throw error instanceof Error ? error : new RangeError(String(error));
  });
  const message = item === undefined ? undefined : decode(item.encoded).message;
  if (!message?.system_properties) throw new RangeError('a message without properties');
  const system = { ...message.system_properties };
  delete system.receipt_handle;
  delete system.delivery_attempt;
  delete system.invisible_duration;
  return { ...message, topic, system_properties: system };
}
