import { hostname } from 'node:os';
import { fromMs } from '../../src/message/time';

/** A message to send. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly messageId: string;
  readonly body: Buffer;
  readonly type: 'NORMAL' | 'FIFO' | 'DELAY' | 'TRANSACTION';
  readonly messageGroup?: string;
  /** Of a DELAY message, by the wall clock. */
  readonly deliverMs?: number;
  /** Of a TRANSACTION message: its age when its producer is asked first. */
  readonly recoveryMs?: number;
}

/** The message as SendMessage takes it. */
export function wireMessage(message: OutgoingMessage): object {
  const { topic, messageId, body, type, messageGroup, deliverMs, recoveryMs } = message;
  return {
    topic: { name: topic },
    system_properties: {
      message_id: messageId,
      message_type: type,
      body_encoding: 'IDENTITY',
      born_timestamp: fromMs(Date.now()),
      born_host: hostname(),
      ...(messageGroup === undefined ? {} : { message_group: messageGroup }),
      ...(deliverMs === undefined ? {} : { delivery_timestamp: fromMs(deliverMs) }),
      ...(recoveryMs === undefined
        ? {}
        : { orphaned_transaction_recovery_duration: fromMs(recoveryMs) }),
    },
    body,
  };
}
