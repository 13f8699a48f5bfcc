/** EndTransaction: commit and rollback, through any proxy, on whichever broker has the half message. */
import type { EndTransactionRequest, Resolution } from '../api/transaction-api';
import { checkTopicName } from '../message/names';
import { Code, StatusError, toStatusError } from '../message/status';
import type { EndTransactionRequest__Output } from '../rpc/generated/apache/rocketmq/v2/EndTransactionRequest';
import { TransactionResolution } from '../rpc/generated/apache/rocketmq/v2/TransactionResolution';
import { isAway } from './away';
import { type CallGate, OK_STATUS, type PublicStatus, unary } from './calls';
import type { MessagingServiceHandlers } from './messaging-handlers';
import { NO_WAIT } from './failover';
import type { ProxyParts } from './parts';
import type { RequestContext } from './request-context';
import { firstBroker } from './send';

export function transactionHandlers(
  parts: ProxyParts,
  gate: CallGate,
): Pick<MessagingServiceHandlers, 'EndTransaction'> {
  return {
    EndTransaction: unary(parts, gate, (request, context) =>
      endTransaction(parts, request, context),
    ),
  };
}

/** A producer that does not know yet is asked again later: there is nothing to do. */
async function endTransaction(
  parts: ProxyParts,
  request: EndTransactionRequest__Output,
  context: RequestContext,
): Promise<{ readonly status: PublicStatus }> {
  const topic = request.topic?.name ?? '';
  checkTopicName(topic);
  const transactionId = checkIds(request.transaction_id, request.message_id);
  const resolution = resolutionOf(request.resolution);
  if (resolution !== undefined) {
    await decide(parts, { topic, transactionId, resolution }, parts.failover.endOf(context));
  }
  return { status: OK_STATUS };
}

/**
 * Asks the broker first that the id's message went to, then all others: a send may have gone past a broker
 * that was away, and routes change. All are asked before any is waited for.
 * @param endMs until when it may wait for masters, by the monotonic clock
 * @throws StatusError INVALID_TRANSACTION_ID when no broker knows the transaction, and all were asked
 */
export async function decide(
  parts: ProxyParts,
  request: EndTransactionRequest,
  endMs: number,
): Promise<void> {
  const { pool, routes } = parts;
  const route = routes.get(request.topic);
  const others = [...pool.masters(), ...route.brokers].map(({ brokerName }) => brokerName);
  const home = firstBroker(route, request.transactionId);
  let names = [...new Set([home, ...others, ...routes.leaderless()])];
  let refusal: StatusError | undefined;
  let fault: StatusError | undefined;
  let absence: StatusError | undefined;
  for (const untilMs of [NO_WAIT, endMs]) {
    const away: string[] = [];
    for (const brokerName of names) {
      const error = await decideOn(parts, brokerName, request, untilMs);
      if (error === undefined) return;
      if (error.code === Code.INVALID_TRANSACTION_ID) refusal ??= error;
      else if (isAway(error)) {
        away.push(brokerName);
        absence = error;
      } else if (error.code >= Code.INTERNAL_SERVER_ERROR) fault ??= error;
      else throw error;
    }
    names = away;
    if (away.length === 0) absence = undefined;
  }
  throw fault ?? absence ?? refusal ?? new StatusError(Code.PROXY_TIMEOUT, 'no broker was asked');
}

/** What a broker refuses with, or why it cannot be asked; `undefined` when the transaction has ended. */
async function decideOn(
  { failover, health }: ProxyParts,
  brokerName: string,
  request: EndTransactionRequest,
  untilMs: number,
): Promise<StatusError | undefined> {
  try {
    await failover.call(brokerName, untilMs, ({ transactions }) =>
      health.watch(brokerName, () => transactions.endTransaction(request)),
    );
    return undefined;
  } catch (error) {
    return toStatusError(error);
  }
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
