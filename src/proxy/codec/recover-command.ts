/** RecoverOrphanedTransactionCommand: a half message as the message that its producer sent. */
import { Property } from '../../message/properties';
import { findProperty, propertyKey } from '../../message/record-property';
import type { TelemetryCommand } from '../../rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import { asSent } from './public-message';

const REAL_QID = propertyKey(Property.REAL_QID);

/**
 * The command that asks a producer about a transaction.
 * @throws RangeError when the bytes are no record
 */
export function recoverCommand(
  half: Buffer,
  topic: string,
  transactionId: string,
): TelemetryCommand {
  const message = asSent(half, { resource_namespace: '', name: topic });
  const queueId = Number(findProperty(half, REAL_QID) ?? 0);
  return {
    recover_orphaned_transaction_command: {
      message: {
        ...message,
        system_properties: { ...message.system_properties, queue_id: queueId },
      },
      transaction_id: transactionId,
    },
  };
}
