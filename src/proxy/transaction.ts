/** EndTransaction: commit and rollback, through any proxy, on whichever broker has the half message. */
import type { EndTransactionRequest, Resolution } from '../api/transaction-api';
import { checkTopicName } from '../message/names';
import { Code, StatusError, toStatusError } from '../message/status';
import type { EndTransactionRequest__Output } from '../rpc/generated/apache/rocketmq/v2/EndTransactionRequest';
import { TransactionResolution } from '../rpc/generated/apache/rocketmq/v2/TransactionResolution';
import { type CallGate, OK_STATUS, type PublicStatus, unary } from './calls';
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { ProxyParts } from './parts';
import { firstBroker } from './send';

export function transactionHandlers(
  parts: ProxyParts,
  gate: CallGate,
): Pick<MessagingServiceHandlers, 'EndTransaction'> {
  return {
    EndTransaction: unary(parts, gate, (request) => endTransaction(parts, request)),
  };
}

/** A producer that does not know yet is asked again later: there is nothing to do. */
async function endTransaction(
  parts: ProxyParts,
  request: EndTransactionRequest__Output,
): Promise<{ readonly status: PublicStatus }> {
  const topic = request.topic?.name ?? '';
  checkTopicName(topic);
  const transactionId = checkIds(request.transaction_id, request.message_id);
  const resolution = resolutionOf(request.resolution);
  if (resolution !== undefined) await decide(parts, { topic, transactionId, resolution });
  return { status: OK_STATUS };
}

/**
 * Asks the broker first that the id's message went to, then all others: a send may have gone past a broker
 * that was away, and routes change.
 * @throws StatusError INVALID_TRANSACTION_ID when no broker knows the transaction, and all were asked
 */
export async function decide(parts: ProxyParts, request: EndTransactionRequest): Promise<void> {
  const { pool, routes, health } = parts;
  const { topic, transactionId } = request;
  const first = firstBroker(routes.get(topic), transactionId);
  const names = pool.masters().map(({ brokerName }) => brokerName);
  const order = [first, ...names.filter((name) => name !== first)];
  let unknown: StatusError | undefined;
  let away: StatusError | undefined;
  for (const brokerName of order) {
    try {
      await health.watch(brokerName, async () =>
        pool.get(brokerName).transactions.endTransaction(request),
      );
      return;
    } catch (error) {
      const known = toStatusError(error);
      if (known.code === Code.INVALID_TRANSACTION_ID) unknown ??= known;
      else if (known.code >= Code.INTERNAL_SERVER_ERROR) away ??= known;
      else throw known;
    }
  }
  const missing = routes.awayWith(topic);
  if (missing.length > 0) {
    away ??= new StatusError(Code.PROXY_TIMEOUT, `brokers are away: ${missing.join(', ')}`);
  }
  throw away ?? unknown ?? new StatusError(Code.PROXY_TIMEOUT, `no broker holds topic ${topic}`);
}

/** The id of a transaction is that of its message. */
function checkIds(transactionId: string, messageId: string): string {
  if (transactionId === '') {
    throw new StatusError(Code.INVALID_TRANSACTION_ID, 'transaction id cannot be empty');
  }
  if (messageId !== '' && messageId !== transactionId) {
    throw new StatusError(
      Code.INVALID_TRANSACTION_ID,
      `transaction id ${transactionId} is not that of message ${messageId}`,
    );
  }
  return transactionId;
}

function resolutionOf(resolution: number | string): Resolution | undefined {
  if (resolution === TransactionResolution.COMMIT) return 'commit';
  return resolution === TransactionResolution.ROLLBACK ? 'rollback' : undefined;
}
