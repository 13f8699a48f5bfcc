import { once } from 'node:events';
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
} from '@grpc/grpc-js';
import type { Message__Output } from '../../src/rpc/generated/apache/rocketmq/v2/Message';
import type { MessagingServiceDefinition } from '../../src/rpc/generated/apache/rocketmq/v2/MessagingService';
import type { PullMessageRequest } from '../../src/rpc/generated/apache/rocketmq/v2/PullMessageRequest';
import type { PullMessageResponse__Output } from '../../src/rpc/generated/apache/rocketmq/v2/PullMessageResponse';
import type { ReceiveMessageRequest } from '../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageRequest';
import type { ReceiveMessageResponse__Output } from '../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageResponse';
import type { Settings } from '../../src/rpc/generated/apache/rocketmq/v2/Settings';
import type { TelemetryCommand } from '../../src/rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import type { TelemetryCommand__Output } from '../../src/rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import { loadService } from '../../src/rpc/protos';
import type { Answered, Sent, UnaryName } from './public-client';

type Definition = MessagingServiceDefinition;
const service = loadService(
  'apache/rocketmq/v2/service.proto',
  'apache.rocketmq.v2.MessagingService',
) as unknown as Definition;

export type Headers = Readonly<Record<string, string>>;
export interface Status {
  readonly code: number;
  readonly message: string;
}
/** What a call has beside its request. */
export interface CallOptions {
  /** `undefined` leaves a header out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Milliseconds until the deadline, 10,000 by default; 0: none. */
  readonly timeoutMs?: number;
}

/** A stub of the public API on a connection of its own: requests and answers as they are on the wire, nothing repeated. */
export class RawCalls {
  private readonly client: Client;

  constructor(
    readonly endpoint: string,
    readonly clientId = 'client-1',
    private readonly headers: Headers = {},
  ) {
    this.client = new Client(endpoint, credentials.createInsecure(), {
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
      'grpc.max_send_message_length': 64 * 1024 * 1024,
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Rejects with gRPC's errors only: business errors are in the answer's status. */
  unary<N extends UnaryName>(
    name: N,
    request: Sent<N>,
    options: CallOptions = {},
  ): Promise<Answered<N>> {
    const { path, requestSerialize, responseDeserialize } = service[name] as unknown as Method;
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.metadata(options),
        deadline(options),
        (error, answer) => {
          if (error !== null) reject(error);
          else resolve(answer as Answered<N>);
        },
      );
    });
  }

  async status<N extends UnaryName>(
    name: N,
    request: Sent<N>,
    options: CallOptions = {},
  ): Promise<Status> {
    const { status } = await this.unary(name, request, options);
    if (status === null) throw new Error(`${name} answered no status`);
    return status;
  }

  /** All items of a ReceiveMessage. */
  async receive(request: ReceiveMessageRequest, options: CallOptions = {}): Promise<Received> {
    return new Received(await this.stream('ReceiveMessage', request, options));
  }

  /** All items of a PullMessage. */
  async pull(request: PullMessageRequest, options: CallOptions = {}): Promise<Pulled> {
    return new Pulled(await this.stream('PullMessage', request, options));
  }

  private async stream<T>(
    name: 'ReceiveMessage' | 'PullMessage',
    request: object,
    options: CallOptions,
  ): Promise<readonly T[]> {
    const { path, requestSerialize, responseDeserialize } = service[name] as unknown as Method;
    const call = this.client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      this.metadata(options),
      deadline(options),
    );
    const items: T[] = [];
    for await (const item of call as AsyncIterable<T>) items.push(item);
    return items;
  }

  telemetry(options: CallOptions = {}): RawTelemetry {
    const method = service.Telemetry;
    const { path, requestSerialize, responseDeserialize } = method;
    return new RawTelemetry(
      this.client.makeBidiStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        this.metadata(options),
      ),
    );
  }

  close(): void {
    this.client.close();
  }

  private metadata({ headers }: CallOptions): Metadata {
    const metadata = new Metadata({ waitForReady: true });
    const all = {
      'x-mq-client-id': this.clientId,
      'x-mq-language': 'JAVA',
      'x-mq-client-version': '5.0.7',
      'x-mq-protocol': 'v2',
      ...this.headers,
      ...headers,
    };
    for (const [name, value] of Object.entries(all)) {
      if (value !== undefined) metadata.set(name, value);
    }
    return metadata;
  }
}

type Method = MethodDefinition<object, object>;

function deadline({ timeoutMs = 10_000 }: CallOptions): { deadline?: number } {
  return timeoutMs === 0 ? {} : { deadline: Date.now() + timeoutMs };
}

type Item = ReceiveMessageResponse__Output | PullMessageResponse__Output;

/** What a stream of messages answered. */
class Streamed<T extends Item> {
  constructor(readonly items: readonly T[]) {}

  /** Which fields the items have, in order. */
  get contents(): readonly (string | undefined)[] {
    return this.items.map(({ content }) => content);
  }

  get status(): Status {
    const status = this.items.find(({ content }) => content === 'status')?.status;
    if (!status) throw new Error('no status was received');
    return status;
  }

  get messages(): readonly Message__Output[] {
    return this.items.flatMap(({ message }) => message ?? []);
  }

  get ids(): readonly string[] {
    return this.messages.map(({ system_properties: system }) => system?.message_id ?? '');
  }
}

export class Pulled extends Streamed<PullMessageResponse__Output> {
  /** Where the next pull goes on. */
  get nextOffset(): number | undefined {
    return this.items.find(({ content }) => content === 'next_offset')?.next_offset;
  }
}

export class Received extends Streamed<ReceiveMessageResponse__Output> {
  get handles(): readonly string[] {
    return this.messages.map(({ system_properties: system }) => system?.receipt_handle ?? '');
  }
}

/** A Telemetry stream. */
export class RawTelemetry {
  private readonly commands: TelemetryCommand__Output[] = [];
  private error: { code: number; details: string } | undefined;
  private ended = false;

  constructor(private readonly call: ClientDuplexStream<object, TelemetryCommand__Output>) {
    call.on('data', (command: TelemetryCommand__Output) => this.commands.push(command));
    call.on('error', (error: { code: number; details: string } & Error) => (this.error = error));
    call.on('end', () => (this.ended = true));
  }

  send(command: TelemetryCommand): void {
    this.call.write(command);
  }

  /** Sends settings and answers the command that comes back. Rejects with gRPC's error. */
  async settings(settings: Settings): Promise<TelemetryCommand__Output> {
    this.send({ settings });
    return this.next();
  }

  /** The next command. Rejects with gRPC's error, or when the stream ends. */
  async next(): Promise<TelemetryCommand__Output> {
    for (let turn = 0; turn < 100; turn++) {
      const command = this.commands.shift();
      if (command !== undefined) return command;
      if (this.error !== undefined) throw this.error;
      if (this.ended) throw new Error('the stream has ended');
      // Whatever comes first: an event, or an error that `once` rejects with and the listener keeps.
      await Promise.race(['data', 'end', 'close'].map((event) => once(this.call, event))).catch(
        () => undefined,
      );
    }
    throw new Error('no command in 100 events');
  }

  /** Half-closes; resolves when the server has completed the stream. */
  async end(): Promise<void> {
    const closed = once(this.call, 'end');
    this.call.end();
    await closed;
  }

  cancel(): void {
    this.call.on('error', () => undefined);
    this.call.cancel();
  }
}
