import { status as Status, type sendUnaryData, type ServerDuplexStream } from '@grpc/grpc-js';
import type { RouteRegistry } from '../api/route-registry';
import { toStatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import type { Empty } from '../rpc/generated/gantry/v1/Empty';
import type { ProxyInfo__Output } from '../rpc/generated/gantry/v1/ProxyInfo';
import type { ProxyInfos } from '../rpc/generated/gantry/v1/ProxyInfos';
import type { RegisterMessage__Output } from '../rpc/generated/gantry/v1/RegisterMessage';
import type { RegisterReply } from '../rpc/generated/gantry/v1/RegisterReply';
import type { WatchMessage__Output } from '../rpc/generated/gantry/v1/WatchMessage';
import type { WatchReply } from '../rpc/generated/gantry/v1/WatchReply';
import { serverPipe } from './grpc-pipe';
import type { LinkLog } from './log';
import { KnownProxies } from './proxies-service';
import { RegisterStream } from './route-register-server';
import { WatchStream } from './route-watch-server';
import { nameServerDefinition } from './services';
import { OpenStreams, type StreamService } from './stream-service';

export interface RouteServiceOptions {
  readonly platform: Pick<Platform, 'timers'>;
  readonly log: LinkLog;
}

/** Serves a route table to the brokers and proxies of other processes. */
export function routeService(
  table: RouteRegistry,
  { platform, log }: RouteServiceOptions,
): StreamService {
  const streams = new OpenStreams();
  const proxies = new KnownProxies(streams);
  return {
    definition: { ...nameServerDefinition() },
    implementation: {
      Register: (call: ServerDuplexStream<RegisterMessage__Output, RegisterReply>) => {
        streams.add(new RegisterStream(table, serverPipe(call), log, streams.remove));
      },
      Watch: (call: ServerDuplexStream<WatchMessage__Output, WatchReply>) => {
        try {
          streams.add(new WatchStream(table, serverPipe(call), streams.remove));
        } catch (error) {
          const details = toStatusError(error).message;
          log.warn({ reason: details }, 'watcher refused');
          call.emit('error', { code: Status.RESOURCE_EXHAUSTED, details });
        }
      },
      AnnounceProxy: (call: ServerDuplexStream<ProxyInfo__Output, Empty>) => proxies.announce(call),
      ListProxies: (_call: unknown, answer: sendUnaryData<ProxyInfos>) => {
        answer(null, { proxies: proxies.list() });
      },
    },
    close: (graceMs) => streams.close(platform.timers, graceMs),
  };
}
