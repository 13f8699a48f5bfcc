/** RecoverOrphanedTransactionCommand: a half message as the message that its producer sent. */
import { Property } from '../../message/properties';
import { findProperty, propertyKey } from '../../message/record-property';
import type { MessagingServiceDefinition } from '../../rpc/generated/apache/rocketmq/v2/MessagingService';
import type { TelemetryCommand } from '../../rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import { loadService } from '../../rpc/protos';
import { encodeDeliveries } from './receive-codec';

const REAL_QID = propertyKey(Property.REAL_QID);

let decode: MessagingServiceDefinition['ReceiveMessage']['responseDeserialize'] | undefined;

/**
 * The command that asks a producer about a transaction. Its message is what a consumer would get, but for
 * the fields of a delivery.
 * @throws RangeError when the bytes are no record
 */
export function recoverCommand(
  half: Buffer,
  topic: string,
  transactionId: string,
): TelemetryCommand {
  decode ??= (
    loadService(
      'apache/rocketmq/v2/service.proto',
      'apache.rocketmq.v2.MessagingService',
    ) as unknown as MessagingServiceDefinition
  ).ReceiveMessage.responseDeserialize;
  const resource = { resource_namespace: '', name: topic };
  const delivery = { record: half, receiptHandle: '', attempt: 0, invisibleMs: 0 };
  const [item] = encodeDeliveries([delivery], resource, (_delivery, error) => {
    throw error instanceof Error ? error : new RangeError(String(error));
  });
  const message = item === undefined ? undefined : decode(item.encoded).message;
  if (!message?.system_properties) throw new RangeError('half message without properties');
  const system = { ...message.system_properties };
  delete system.receipt_handle;
  delete system.delivery_attempt;
  delete system.invisible_duration;
  const queueId = Number(findProperty(half, REAL_QID) ?? 0);
  return {
    recover_orphaned_transaction_command: {
      message: { ...message, topic: resource, system_properties: { ...system, queue_id: queueId } },
      transaction_id: transactionId,
    },
  };
}
