/**
 * Calls of the public API over the simulated network: what a client sends and sees goes through the API's own codecs,
 * and a proxy's handlers get what a gRPC server gives them. A call is a stream of its own, as in HTTP/2.
 */
import type { MethodDefinition } from '@grpc/proto-loader';
import { withHotCodecs } from '../../../src/proxy/codec/hot-codecs';
import type { Proxy } from '../../../src/proxy/proxy';
import type { MessagingServiceDefinition } from '../../../src/rpc/generated/apache/rocketmq/v2/MessagingService';
import { loadService } from '../../../src/rpc/protos';
import { type Caller, FakeCall, type Simulated } from '../../support/fake-call';
import type { Answered, Sent, UnaryName } from '../../support/public-client';
import type { Network } from './network';
import type { Process } from './process';
import { ENDED, type WireEnd } from './wire';

export const MESSAGING = 'messaging';

type Definition = MessagingServiceDefinition;
type Name = UnaryName | 'ReceiveMessage' | 'Telemetry';
type StreamItem<N extends Name> = ReturnType<Definition[N]['responseDeserialize']>;

const service = withHotCodecs(
  loadService('apache/rocketmq/v2/service.proto', 'apache.rocketmq.v2.MessagingService'),
) as unknown as Definition;

function methodOf(name: Name): MethodDefinition<object, object> {
  return service[name];
}

/** What a client says of a call ahead of its first message. */
interface Head {
  readonly method: Name;
  readonly clientId: string;
  readonly timeoutMs: number;
}

/** A call that ended without an answer: the connection, the deadline, or the server's failure. */
export class CallFailed extends Error {}

/** The calls that a proxy's handlers see: what they write goes back over the wire. */
class ServedCall extends FakeCall<object, object> {
  constructor(
    caller: Caller,
    sim: Simulated,
    request: object,
    private readonly wire: WireEnd,
    private readonly encode: (item: object) => Buffer,
  ) {
    super(caller, sim, request);
    this.on('error', () => wire.abort('failed'));
  }

  override write(item: object, callback?: (error?: Error | null) => void): boolean {
    if (this.ended) throw new Error('write after end');
    const more = this.wire.write(this.encode(item));
    callback?.(null);
    return more;
  }

  override end(): this {
    this.ended = true;
    this.wire.end();
    this.emit('finish');
    return this;
  }

  override destroy(): this {
    this.wire.abort('destroyed');
    return super.destroy();
  }
}

/** Serves a proxy's public API to the clients of the simulated network. */
export function serveMessaging(process: Process, proxy: Pick<Proxy, 'messaging'>): void {
  process.services.set(MESSAGING, (wire, head) => {
    const { method: name, clientId, timeoutMs } = head as Head;
    const method = methodOf(name);
    const handler = proxy.messaging[name] as unknown as (
      call: unknown,
      callback?: (error: Error | null, value?: object | null) => void,
    ) => void;
    const begin = (request: object): ServedCall => {
      const caller = { clientId, timeoutMs };
      return new ServedCall(caller, process.platform, request, wire, method.responseSerialize);
    };
    let call: ServedCall | undefined;
    if (name === 'Telemetry') {
      call = begin({});
      handler(call);
    }
    wire.open({
      message: (bytes) => {
        const request = method.requestDeserialize(bytes);
        if (name === 'Telemetry') call?.send(request);
        else if (name === 'ReceiveMessage') {
          call = begin(request);
          handler(call);
        } else {
          call = begin(request);
          handler(call, (error, value) => {
            if (error !== null || value === undefined || value === null) wire.abort('failed');
            else {
              wire.write(method.responseSerialize(value));
              wire.end();
            }
          });
        }
      },
      drained: () => call?.emit('drain'),
      closed: (reason) => {
        if (name === 'Telemetry' && reason === ENDED) call?.halfClose();
        else if (call?.ended === false && reason !== 'this side ended') call.cancel();
      },
    });
  });
}

/** A client's way to one proxy. */
export class Channel {
  constructor(
    private readonly network: Network,
    private readonly process: Process,
    /** The proxy's machine. */
    readonly proxy: string,
    readonly clientId: string,
  ) {}

  /** @throws CallFailed when no answer came; business errors are in the answer's status */
  unary<N extends UnaryName>(name: N, request: Sent<N>, timeoutMs: number): Promise<Answered<N>> {
    return this.collect<N>(name, request, timeoutMs).then(([answer]) => {
      if (answer === undefined) throw new CallFailed('no answer');
      return answer;
    });
  }

  /** The items of an answer that was read to the end. @throws CallFailed */
  receive(
    request: Parameters<Definition['ReceiveMessage']['requestSerialize']>[0],
    timeoutMs: number,
  ): Promise<readonly StreamItem<'ReceiveMessage'>[]> {
    return this.collect('ReceiveMessage', request, timeoutMs);
  }

  /** Opens a Telemetry stream. */
  telemetry(
    settings: object,
    command: (command: StreamItem<'Telemetry'>) => void,
    closed: () => void,
  ): WireEnd {
    const wire = this.open('Telemetry', Infinity);
    const { requestSerialize, responseDeserialize } = methodOf('Telemetry');
    wire.open({
      message: (bytes) => command(responseDeserialize(bytes)),
      drained: () => undefined,
      closed,
    });
    wire.write(requestSerialize({ settings }));
    return wire;
  }

  private collect<N extends Name>(
    name: N,
    request: object,
    timeoutMs: number,
  ): Promise<StreamItem<N>[]> {
    const { requestSerialize, responseDeserialize } = methodOf(name);
    return new Promise((resolve, reject) => {
      const items: StreamItem<N>[] = [];
      const wire = this.open(name, timeoutMs);
      const late = this.process.platform.timers.after(timeoutMs, () => {
        wire.abort('deadline exceeded');
      });
      wire.open({
        message: (bytes) => void items.push(responseDeserialize(bytes) as StreamItem<N>),
        drained: () => undefined,
        closed: (reason) => {
          late.cancel();
          if (reason === ENDED) resolve(items);
          else reject(new CallFailed(reason));
        },
      });
      wire.write(requestSerialize(request));
    });
  }

  private open(method: Name, timeoutMs: number): WireEnd {
    const { clientId } = this;
    return this.network.connect(this.process, this.proxy, MESSAGING, {
      method,
      clientId,
      timeoutMs,
    });
  }
}
