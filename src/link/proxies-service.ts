/** The proxies that have made themselves known to a name server: each as long as its stream lasts. */
import { status as Status, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Empty } from '../rpc/generated/gantry/v1/Empty';
import type { ProxyInfo, ProxyInfo__Output } from '../rpc/generated/gantry/v1/ProxyInfo';
import { serverPipe } from './grpc-pipe';
import type { OpenStream, OpenStreams } from './stream-service';

/** Proxies at once; one more is refused, and tries again. */
export const PROXIES_MAX = 10_000;

export class KnownProxies {
  private readonly known = new Map<OpenStream, ProxyInfo | undefined>();

  constructor(private readonly streams: OpenStreams) {}

  announce(call: ServerDuplexStream<ProxyInfo__Output, Empty>): void {
    if (this.known.size >= PROXIES_MAX) {
      call.emit('error', {
        ...{ code: Status.RESOURCE_EXHAUSTED, details: `${PROXIES_MAX} proxies are known` },
      });
      return;
    }
    const pipe = serverPipe<Empty, ProxyInfo__Output>(call);
    const stream: OpenStream = {
      leave: () => pipe.end(),
      cut: (reason) => pipe.abort(reason),
    };
    // It has a place before it has said who it is.
    this.known.set(stream, undefined);
    pipe.open({
      message: ({ address, version }) => {
        this.known.set(stream, { address, version });
        pipe.write({});
      },
      drained: () => undefined,
      closed: () => {
        this.known.delete(stream);
        this.streams.remove(stream);
      },
    });
    this.streams.add(stream);
  }

  list(): ProxyInfo[] {
    return [...this.known.values()].filter((info) => info !== undefined);
  }
}
