import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
} from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import type { Message, Message__Output } from '../../src/rpc/generated/apache/rocketmq/v2/Message';
import type { MessagingServiceDefinition } from '../../src/rpc/generated/apache/rocketmq/v2/MessagingService';
import type { PullMessageRequest } from '../../src/rpc/generated/apache/rocketmq/v2/PullMessageRequest';
import type { PullMessageResponse__Output } from '../../src/rpc/generated/apache/rocketmq/v2/PullMessageResponse';
import type { ReceiveMessageRequest } from '../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageRequest';
import type { ReceiveMessageResponse__Output } from '../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageResponse';
import type { Settings } from '../../src/rpc/generated/apache/rocketmq/v2/Settings';
import type { SystemProperties } from '../../src/rpc/generated/apache/rocketmq/v2/SystemProperties';
import type {
  TelemetryCommand,
  TelemetryCommand__Output,
} from '../../src/rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import { withHotCodecs } from '../../src/proxy/codec/hot-codecs';
import { loadService } from '../../src/rpc/protos';
import type { Proxy } from '../../src/proxy/proxy';
import {
  callDuplex,
  callStream,
  callUnary,
  type Caller,
  type FakeCall,
  type Simulated,
} from './fake-call';

type Definition = MessagingServiceDefinition;
const service = loadService(
  'apache/rocketmq/v2/service.proto',
  'apache.rocketmq.v2.MessagingService',
);
/** The client's side of the methods is the API's own, the server's is the proxy's. */
const methods = withHotCodecs(service) as unknown as Definition;

export type UnaryName =
  | 'QueryRoute'
  | 'QueryAssignment'
  | 'SendMessage'
  | 'AckMessage'
  | 'ChangeInvisibleDuration'
  | 'ForwardMessageToDeadLetterQueue'
  | 'Heartbeat'
  | 'NotifyClientTermination'
  | 'EndTransaction'
  | 'RecallMessage'
  | 'SyncLiteSubscription'
  | 'UpdateOffset'
  | 'GetOffset'
  | 'QueryOffset';
export type Sent<N extends UnaryName> = Parameters<Definition[N]['requestSerialize']>[0];
export type Answered<N extends UnaryName> = ReturnType<Definition[N]['responseDeserialize']>;

/** What goes over the wire and comes out on the other side. */
function wire<I, O>(
  value: I,
  serialize: (value: I) => Buffer,
  deserialize: (bytes: Buffer) => O,
): O {
  return deserialize(serialize(value));
}

/** A client of a proxy in this process: all that it sends and sees has been through the API's own codec. */
export class PublicClient {
  constructor(
    private readonly cluster: { readonly proxy: Pick<Proxy, 'messaging'>; readonly sim: Simulated },
    readonly caller: Caller = {},
  ) {}

  /** A unary call. Rejects with gRPC's errors only: business errors are in the answer's status. */
  async unary<N extends UnaryName>(
    name: N,
    request: Sent<N>,
    caller: Caller = {},
  ): Promise<Answered<N>> {
    const method = methods[name] as unknown as MethodDefinition<object, object>;
    const handler = this.cluster.proxy.messaging[name] as handleUnaryCall<object, object>;
    const sent = wire(request, method.requestSerialize, method.requestDeserialize);
    const all = { ...this.caller, ...caller };
    const answer = await callUnary(handler, this.cluster.sim, sent, all);
    return wire(answer, method.responseSerialize, method.responseDeserialize) as Answered<N>;
  }

  /** The status of a unary call. */
  async status<N extends UnaryName>(
    name: N,
    request: Sent<N>,
    caller: Caller = {},
  ): Promise<{ readonly code: number; readonly message: string }> {
    const { status } = await this.unary(name, request, caller);
    if (status === null) throw new Error(`${name} answered no status`);
    return status;
  }

  /** Opens a ReceiveMessage; let the simulated clock settle to see its items. */
  receive(
    request: ReceiveMessageRequest,
    caller: Caller = {},
    prepare: (call: FakeCall<object, object>) => void = () => undefined,
  ): Receive {
    const method = methods.ReceiveMessage;
    const handler = this.cluster.proxy.messaging.ReceiveMessage as handleServerStreamingCall<
      object,
      object
    >;
    const sent = wire(request, method.requestSerialize, method.requestDeserialize);
    const all = { ...this.caller, ...caller };
    return new Receive(callStream(handler, this.cluster.sim, sent, all, prepare));
  }

  /** Opens a Telemetry stream. */
  telemetry(caller: Caller = {}): Telemetry {
    const handler = this.cluster.proxy.messaging.Telemetry as handleBidiStreamingCall<
      object,
      object
    >;
    return new Telemetry(callDuplex(handler, this.cluster.sim, { ...this.caller, ...caller }));
  }

  /** Opens a PullMessage; let the simulated clock settle to see its items. */
  pull(request: PullMessageRequest, caller: Caller = {}): Pull {
    const { requestSerialize, requestDeserialize } = methods.PullMessage;
    const handler = this.cluster.proxy.messaging.PullMessage as handleServerStreamingCall<
      object,
      object
    >;
    const sent = wire(request, requestSerialize, requestDeserialize);
    return new Pull(callStream(handler, this.cluster.sim, sent, { ...this.caller, ...caller }));
  }
}

export class Pull {
  constructor(readonly call: FakeCall<object, object>) {}

  /** What the client has read. */
  get items(): readonly PullMessageResponse__Output[] {
    const { responseSerialize, responseDeserialize } = methods.PullMessage;
    return this.call.items.map((item) => wire(item, responseSerialize, responseDeserialize));
  }

  /** Which fields the items have, in order. */
  get contents(): readonly (string | undefined)[] {
    return this.items.map(({ content }) => content);
  }

  get status(): { readonly code: number; readonly message: string } | undefined {
    return this.items[0]?.status ?? undefined;
  }

  get messages(): readonly Message__Output[] {
    return this.items.flatMap(({ message }) => message ?? []);
  }

  get nextOffset(): number | undefined {
    return this.items.find(({ content }) => content === 'next_offset')?.next_offset;
  }
}

export class Receive {
  constructor(readonly call: FakeCall<object, object>) {}

  /** What the client has read. */
  get items(): readonly ReceiveMessageResponse__Output[] {
    const { responseSerialize, responseDeserialize } = methods.ReceiveMessage;
    return this.call.items.map((item) => wire(item, responseSerialize, responseDeserialize));
  }

  /** How large each item is on the wire. */
  get itemBytes(): readonly number[] {
    return this.call.items.map((item) => methods.ReceiveMessage.responseSerialize(item).length);
  }

  /** Which fields the items have, in order. */
  get contents(): readonly (string | undefined)[] {
    return this.items.map(({ content }) => content);
  }

  get code(): number | undefined {
    return this.items[0]?.status?.code;
  }

  get text(): string | undefined {
    return this.items[0]?.status?.message;
  }

  get messages(): readonly Message__Output[] {
    return this.items.flatMap(({ message }) => message ?? []);
  }
}

export class Telemetry {
  constructor(readonly call: FakeCall<object, object>) {}

  send(command: TelemetryCommand): void {
    const { requestSerialize, requestDeserialize } = methods.Telemetry;
    this.call.send(wire(command, requestSerialize, requestDeserialize));
  }

  sendSettings(settings: Settings): void {
    this.send({ settings });
  }

  get commands(): readonly TelemetryCommand__Output[] {
    const { responseSerialize, responseDeserialize } = methods.Telemetry;
    return this.call.items.map((item) => wire(item, responseSerialize, responseDeserialize));
  }
}

/** A message as a client builds it. */
export function message(
  topic: string,
  id: string,
  system: SystemProperties = {},
  rest: Partial<Message> = {},
): Message {
  return {
    topic: { name: topic },
    body: Buffer.from(`body of ${id}`),
    system_properties: {
      message_id: id,
      message_type: 1,
      body_encoding: 1,
      born_timestamp: { seconds: 1_699_999_999, nanos: 5_000_000 },
      born_host: 'client-host',
      ...system,
    },
    ...rest,
  };
}

/** A receive of a simple consumer that waits 5 s, unless changed. */
export function receiveRequest(
  group: string,
  topic: string,
  changes: ReceiveMessageRequest = {},
): ReceiveMessageRequest {
  return {
    group: { name: group },
    message_queue: { topic: { name: topic }, broker: { name: 'broker-a' } },
    filter_expression: { type: 1, expression: '*' },
    batch_size: 32,
    invisible_duration: { seconds: 30 },
    long_polling_timeout: { seconds: 5 },
    ...changes,
  };
}
