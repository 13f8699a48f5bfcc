/**
 * The API's message (`apache.rocketmq.v2.Message`): what producers send and what consumers get. The
 * shapes here are those that the protobuf loader gives and takes, with the API's own field names.
 */
import type { SecondsAndNanos } from './time';

/** `MessageType`, the wire's values. */
export const MessageType = {
  NORMAL: 1,
  FIFO: 2,
  DELAY: 3,
  TRANSACTION: 4,
  LITE: 5,
  PRIORITY: 6,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];
export type MessageTypeName = keyof typeof MessageType;

/** `Encoding`, the wire's values. */
export const Encoding = { IDENTITY: 1, GZIP: 2 } as const;
/** `DigestType`, the one that we deliver. */
export const DIGEST_MD5 = 2;

export interface ResourceName {
  readonly resource_namespace: string;
  readonly name: string;
}

/** System properties that count on the way in; all others are ignored, some clients send garbage in them. */
export interface IncomingSystemProperties {
  readonly tag?: string;
  readonly keys: readonly string[];
  readonly message_id: string;
  readonly body_encoding: number;
  readonly message_type: number;
  readonly born_timestamp: SecondsAndNanos | null;
  readonly born_host: string;
  readonly delivery_timestamp?: SecondsAndNanos | null;
  readonly message_group?: string;
  readonly trace_context?: string;
  readonly orphaned_transaction_recovery_duration?: SecondsAndNanos | null;
  readonly lite_topic?: string;
  readonly priority?: number;
}

/** A message as a producer sends it. */
export interface IncomingMessage {
  readonly topic: ResourceName | null;
  readonly user_properties: Readonly<Record<string, string>>;
  readonly system_properties: IncomingSystemProperties | null;
  readonly body: Buffer;
}
