import { hostname } from 'node:os';
import { fromMs } from '../../src/message/time';
import { Code, type RawClient, type RawStatus, statusOf, type TelemetryAnswer } from './raw-client';
import { type OutgoingMessage, wireMessage } from './raw-message';

export interface Sent {
  readonly status: RawStatus;
  /** '' for none. */
  readonly recallHandle: string;
}

/** SendMessage with one message. */
export async function sendMessage(client: RawClient, message: OutgoingMessage): Promise<Sent> {
  const { status, entries } = await client.unary('SendMessage', {
    messages: [wireMessage(message)],
  });
  return { status: statusOf(status), recallHandle: entries?.[0]?.recall_handle ?? '' };
}

/** RecallMessage with the handle that the send answered. */
export async function recallMessage(
  client: RawClient,
  topic: string,
  recallHandle: string,
): Promise<RawStatus> {
  const request = { topic: { name: topic }, recall_handle: recallHandle };
  const { status } = await client.unary('RecallMessage', request);
  return statusOf(status);
}

export type Resolution = 'COMMIT' | 'ROLLBACK';

/** EndTransaction; a transaction has the id of its message. */
export async function endTransaction(
  client: RawClient,
  topic: string,
  messageId: string,
  resolution: Resolution,
): Promise<RawStatus> {
  const { status } = await client.unary('EndTransaction', {
    topic: { name: topic },
    message_id: messageId,
    transaction_id: messageId,
    resolution,
    source: 'SOURCE_CLIENT',
  });
  return statusOf(status);
}

/**
 * Registers as a producer of `topic`, once: resolves when the stream has ended, whatever ended it.
 * @param asked called with the id of each transaction that the server asks about
 * @param signal ends the stream
 */
export async function answerChecks(
  client: RawClient,
  topic: string,
  asked: (transactionId: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const stream = client.telemetry();
  const cancel = (): void => stream.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  stream.write({
    settings: {
      client_type: 'PRODUCER',
      user_agent: { language: 'JAVA', version: '5.0.0', platform: 'test', hostname: hostname() },
      request_timeout: fromMs(3000),
      publishing: { topics: [{ name: topic }] },
    },
  });
  try {
    for await (const command of stream as AsyncIterable<TelemetryAnswer>) {
      if (command.status && command.status.code !== Code.OK) return;
      const check = command.recover_orphaned_transaction_command;
      if (check !== undefined) asked(check.transaction_id);
    }
  } catch {
    // The proxy is gone, or the signal has fired.
  } finally {
    signal.removeEventListener('abort', cancel);
    stream.cancel();
  }
}
