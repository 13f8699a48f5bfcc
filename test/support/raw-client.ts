import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { fromMs, toMs } from '../../src/message/time';
import { wireMessage } from './raw-message';

/** The status codes of the API that tests look for. */
export const Code = {
  OK: 20000,
  INVALID_RECEIPT_HANDLE: 40013,
  MESSAGE_NOT_FOUND: 40401,
  TOPIC_NOT_FOUND: 40402,
  PROXY_TIMEOUT: 50400,
} as const;

export interface RawStatus {
  readonly code: number;
  readonly message: string;
}

export interface RawQueue {
  readonly id: number;
  readonly broker: { readonly name: string; readonly endpoints: unknown };
}

export interface RawMessage {
  readonly messageId: string;
  readonly body: Buffer;
  readonly receiptHandle: string;
  readonly attempt: number;
  readonly queueId: number;
  readonly queueOffset: number;
  /** By the broker's wall clock, ms. */
  readonly storedMs: number;
}

export interface ReceiveOptions {
  readonly group: string;
  readonly topic: string;
  readonly queue: RawQueue;
  /** 1 .. 32 */
  readonly batchSize: number;
  readonly invisibleMs: number;
  readonly pollMs: number;
  /** The same again repeats a receive whose answer was lost. */
  readonly attemptId?: string;
}

/** What is read of the answers; proto-loader fills in defaults. */
export interface Answer {
  readonly status: RawStatus | null;
  readonly message_queues?: readonly RawQueue[];
  readonly receipt_handle?: string;
  readonly entries?: readonly { readonly recall_handle?: string }[];
}
interface ReceiveItem {
  readonly content: 'status' | 'message' | 'delivery_timestamp';
  readonly status?: RawStatus;
  readonly message?: {
    readonly body: Buffer;
    readonly system_properties: {
      readonly message_id: string;
      readonly receipt_handle: string;
      readonly delivery_attempt: number;
      readonly queue_id: number;
      readonly queue_offset: number;
      readonly store_timestamp: { readonly seconds: number; readonly nanos: number } | null;
    };
  };
}
export interface TelemetryAnswer {
  readonly status?: RawStatus | null;
  readonly command?: string;
  readonly recover_orphaned_transaction_command?: { readonly transaction_id: string };
}

const PROTO = join(__dirname, '..', '..', 'proto');
const loaded = loadSync('apache/rocketmq/v2/service.proto', {
  includeDirs: [PROTO],
  keepCase: true,
  longs: Number,
  defaults: true,
  oneofs: true,
});
const service = loaded['apache.rocketmq.v2.MessagingService'] as ServiceDefinition;

export function statusOf(status: RawStatus | null | undefined): RawStatus {
  if (status === null || status === undefined) throw new Error('an answer without a status');
  return status;
}

/**
 * The public API without a client library: what it sends and sees is exactly what is on the wire, and it
 * never repeats a call by itself. Business errors are in the status that is answered; calls reject
 * with gRPC's errors.
 */
export class RawClient {
  private readonly client: Client;
  private readonly metadata = new Metadata({ waitForReady: true });

  /** `deadlineMs` of every unary call, also while the server is away; `maxReceiveBytes` of one gRPC message. */
  constructor(
    readonly endpoint: string,
    readonly clientId: string,
    private readonly deadlineMs = 5000,
    maxReceiveBytes = 64 * 1024 * 1024,
  ) {
    this.client = new Client(endpoint, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
      'grpc.max_receive_message_length': maxReceiveBytes,
      'grpc.max_send_message_length': 64 * 1024 * 1024,
      // A connection of its own, as another process would have.
      'grpc.use_local_subchannel_pool': 1,
    });
    this.metadata.set('x-mq-protocol', 'v2');
    this.metadata.set('x-mq-client-id', clientId);
    this.metadata.set('x-mq-language', 'JAVA');
    this.metadata.set('x-mq-client-version', '5.0.0');
    this.metadata.set('x-mq-date-time', '20260101T000000Z');
  }

  async queryRoute(topic: string): Promise<{ status: RawStatus; queues: readonly RawQueue[] }> {
    const [host = '', port = '0'] = this.endpoint.split(':');
    const answer = await this.unary('QueryRoute', {
      topic: { name: topic },
      endpoints: { scheme: 'IPv4', addresses: [{ host, port: Number(port) }] },
    });
    return { status: statusOf(answer.status), queues: answer.message_queues ?? [] };
  }

  /** Registers as a simple consumer: resolves when the server has answered the settings. */
  async subscribe(group: string, topic: string): Promise<() => void> {
    const stream = this.telemetry();
    const answered = new Promise<void>((resolve, reject) => {
      stream.once('data', (command: TelemetryAnswer) => {
        const { code, message } = statusOf(command.status);
        if (code === Code.OK) resolve();
        else reject(new Error(`${code} ${message}`));
      });
      stream.on('error', reject);
    });
    stream.write({
      settings: {
        client_type: 'SIMPLE_CONSUMER',
        user_agent: { language: 'JAVA', version: '5.0.0', platform: 'test', hostname: hostname() },
        request_timeout: fromMs(3000),
        subscription: {
          group: { name: group },
          subscriptions: [{ topic: { name: topic }, expression: { type: 'TAG', expression: '*' } }],
          long_polling_timeout: fromMs(20_000),
        },
      },
    });
    await answered;
    return () => stream.cancel();
  }

  /** Sends a NORMAL message; ./raw-producer sends the others. */
  async send(topic: string, messageId: string, body: Buffer): Promise<RawStatus> {
    const message = wireMessage({ topic, messageId, body, type: 'NORMAL' });
    return statusOf((await this.unary('SendMessage', { messages: [message] })).status);
  }

  async receive(
    options: ReceiveOptions,
  ): Promise<{ status: RawStatus; messages: readonly RawMessage[] }> {
    const request = {
      group: { name: options.group },
      message_queue: {
        topic: { name: options.topic },
        id: options.queue.id,
        permission: 'READ_WRITE',
        broker: options.queue.broker,
        accept_message_types: ['NORMAL'],
      },
      filter_expression: { type: 'TAG', expression: '*' },
      batch_size: options.batchSize,
      invisible_duration: fromMs(options.invisibleMs),
      long_polling_timeout: fromMs(options.pollMs),
      ...(options.attemptId === undefined ? {} : { attempt_id: options.attemptId }),
    };
    const method = this.method('ReceiveMessage');
    const call = this.client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize as (data: Buffer) => ReceiveItem,
      request,
      this.metadata,
      { deadline: Date.now() + options.pollMs + this.deadlineMs },
    );
    let status: RawStatus | undefined;
    const messages: RawMessage[] = [];
    for await (const item of call as AsyncIterable<ReceiveItem>) {
      if (item.content === 'status') status = statusOf(item.status);
      if (item.content !== 'message' || item.message === undefined) continue;
      const { body, system_properties: system } = item.message;
      messages.push({
        messageId: system.message_id,
        body,
        receiptHandle: system.receipt_handle,
        attempt: system.delivery_attempt,
        queueId: system.queue_id,
        queueOffset: system.queue_offset,
        storedMs: toMs(system.store_timestamp),
      });
    }
    return { status: statusOf(status), messages };
  }

  async ack(group: string, topic: string, message: RawMessage): Promise<RawStatus> {
    const answer = await this.unary('AckMessage', {
      group: { name: group },
      topic: { name: topic },
      entries: [{ message_id: message.messageId, receipt_handle: message.receiptHandle }],
    });
    return statusOf(answer.status);
  }

  async changeInvisible(
    group: string,
    topic: string,
    message: RawMessage,
    invisibleMs: number,
  ): Promise<{ status: RawStatus; receiptHandle: string }> {
    const answer = await this.unary('ChangeInvisibleDuration', {
      group: { name: group },
      topic: { name: topic },
      receipt_handle: message.receiptHandle,
      invisible_duration: fromMs(invisibleMs),
      message_id: message.messageId,
    });
    return { status: statusOf(answer.status), receiptHandle: answer.receipt_handle ?? '' };
  }

  close(): void {
    this.client.close();
  }

  private method(name: string): ServiceDefinition[string] {
    const method = service[name];
    if (method === undefined) throw new Error(`no RPC ${name}`);
    return method;
  }

  /** Any unary call of the API. */
  unary(name: string, request: object): Promise<Answer> {
    const method = this.method(name);
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize as (data: Buffer) => Answer,
        request,
        this.metadata,
        { deadline: Date.now() + this.deadlineMs },
        (error, answer) => {
          if (error !== null) reject(error);
          else if (answer === undefined) reject(new Error('no answer'));
          else resolve(answer);
        },
      );
    });
  }

  /** Opens a Telemetry stream. */
  telemetry(): ClientDuplexStream<object, TelemetryAnswer> {
    const method = this.method('Telemetry');
    return this.client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize as (data: Buffer) => TelemetryAnswer,
      this.metadata,
    );
  }
}
