/** A proxy makes itself known to name servers: a stream to each, opened again whenever it ends. */
import { Metadata } from '@grpc/grpc-js';
import type { ProxiesApi, ProxyInfo } from '../api/proxies-api';
import { Code, StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import { makeClient } from '../rpc/client';
import type { ClientTls } from '../rpc/client-credentials';
import type { GantryNameServerClient } from '../rpc/generated/gantry/v1/GantryNameServer';
import type { ProxyInfos__Output } from '../rpc/generated/gantry/v1/ProxyInfos';
import { Backoff } from './backoff';
import { clientPipe } from './grpc-pipe';
import { nameServerDefinition } from './services';

/** How long a name server may take to answer a list, milliseconds. */
const LIST_MS = 3_000;

type ClientPlatform = Pick<Platform, 'clock' | 'timers' | 'random'>;

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
    close: () => {
      for (const server of servers) server.close();
    },
  };
}

class NameServer {
  private readonly client: GantryNameServerClient;
  private readonly backoff: Backoff;
  private leave: () => void = () => undefined;
  private withdrawn = false;

  constructor(
    address: string,
    private readonly platform: ClientPlatform,
    tls: ClientTls | undefined,
  ) {
    this.client = makeClient<GantryNameServerClient>(nameServerDefinition(), address, { tls });
    this.backoff = new Backoff(platform);
  }

  announce(info: ProxyInfo): void {
    const pipe = clientPipe(this.client.AnnounceProxy());
    this.leave = () => pipe.end();
    pipe.open({
      message: () => this.backoff.reset(),
      drained: () => undefined,
      closed: () => {
        if (!this.withdrawn) this.backoff.retry(() => this.announce(info));
      },
    });
    pipe.write({ address: info.address, version: info.version });
  }

  list(): Promise<readonly ProxyInfo[]> {
    const deadline = this.platform.clock.wallMs() + LIST_MS;
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, answer?: ProxyInfos__Output): void => {
        if (answer === undefined) reject(error ?? new Error('no answer'));
        else resolve(answer.proxies);
      };
      this.client.ListProxies({}, new Metadata(), { deadline }, done);
    });
  }

  withdraw(): void {
    this.withdrawn = true;
    this.backoff.stop();
    this.leave();
  }

  close(): void {
    this.withdraw();
    this.client.close();
  }
}
