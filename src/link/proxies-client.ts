/** A proxy makes itself known to name servers: a stream to each, opened again whenever it ends. */
import { Metadata } from '@grpc/grpc-js';
import type { ProxiesApi, ProxyInfo } from '../api/proxies-api';
import { Code, StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import { makeClient } from '../rpc/client';
import type { ClientTls } from '../rpc/client-credentials';
import type { GantryNameServerClient } from '../rpc/generated/gantry/v1/GantryNameServer';
import { openPipe } from '../rpc/grpc/client-pipe';
import { Backoff } from './backoff';
import { ANSWER_MS } from './route-register-client';
import { nameServerDefinition } from './services';

/** How long a name server may take to answer a list, milliseconds. */
const LIST_MS = 3_000;

type ClientPlatform = Pick<Platform, 'clock' | 'timers' | 'random' | 'sockets'>;

/**
 * @param addresses `host:port` of all name servers, at least one
 * @param tls absent: plaintext
 */
export function proxiesClient(
  addresses: readonly string[],
  platform: ClientPlatform,
  tls?: ClientTls,
): ProxiesApi {
  const servers = addresses.map((address) => new NameServer(address, platform, tls));
  return {
    announce: (info) => {
      for (const server of servers) server.announce(info);
    },
    withdraw: () => {
      for (const server of servers) server.withdraw();
    },
    list: async () => {
      const outcomes = await Promise.allSettled(servers.map((server) => server.list()));
      const known = new Map<string, ProxyInfo>();
      for (const outcome of outcomes) {
        if (outcome.status === 'fulfilled') {
          for (const info of outcome.value) known.set(info.address, info);
        }
      }
      if (outcomes.every(({ status }) => status === 'rejected')) {
        throw new StatusError(
          Code.PROXY_TIMEOUT,
          `none of the name servers answers: ${addresses.join(', ')}`,
        );
      }
      return [...known.values()].toSorted((a, b) => (a.address < b.address ? -1 : 1));
    },
  };
}

class NameServer {
  private readonly backoff: Backoff;
  private leave: () => void = () => undefined;
  private withdrawn = false;

  constructor(
    private readonly address: string,
    private readonly platform: ClientPlatform,
    private readonly tls: ClientTls | undefined,
  ) {
    this.backoff = new Backoff(platform);
  }

  announce(info: ProxyInfo): void {
    const { address, platform, tls } = this;
    const pipe = openPipe(platform, address, nameServerDefinition().AnnounceProxy, { tls });
    this.leave = () => pipe.end();
    const late = platform.timers.after(ANSWER_MS, () => {
      pipe.abort(`no answer within ${ANSWER_MS} ms`);
    });
    pipe.open({
      message: () => {
        late.cancel();
        this.backoff.reset();
      },
      drained: () => undefined,
      closed: () => {
        late.cancel();
        if (!this.withdrawn) this.backoff.retry(() => this.announce(info));
      },
    });
    pipe.write({ address: info.address, version: info.version });
  }

  /** Seldom asked: on a connection for the one question. */
  list(): Promise<readonly ProxyInfo[]> {
    const client = makeClient<GantryNameServerClient>(nameServerDefinition(), this.address, {
      tls: this.tls,
    });
    const deadline = this.platform.clock.wallMs() + LIST_MS;
    return new Promise((resolve, reject) => {
      client.ListProxies({}, new Metadata(), { deadline }, (error, answer) => {
        client.close();
        if (answer === undefined) reject(error ?? new Error('no answer'));
        else resolve(answer.proxies);
      });
    });
  }

  withdraw(): void {
    this.withdrawn = true;
    this.backoff.stop();
    this.leave();
  }
}
