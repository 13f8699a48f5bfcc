import type {
  ServerDuplexStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { BrokerApi } from '../api/broker-api';
import type { Platform } from '../platform/platform';
import type { LinkBatch, LinkBatch__Output } from '../rpc/generated/gantry/v1/LinkBatch';
import { BrokerLinkServer } from './broker-link-server';
import { servedMethods } from './broker-methods';
import { serverPipe } from './grpc-pipe';
import { LINK_LIMITS, type LinkLimits } from './link-limits';
import type { LinkLog } from './log';
import { brokerDefinition } from './services';

export interface BrokerLinkServiceOptions {
  readonly platform: Pick<Platform, 'timers'>;
  readonly log: LinkLog;
  /** Who this is: a proxy that meant another broker goes away. */
  readonly brokerName: string;
  readonly brokerId: number;
  /** What differs from `LINK_LIMITS`. */
  readonly limits?: Partial<LinkLimits>;
}

/** A service for an RpcServer, and the way to end its streams. */
export interface StreamService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Lets the calls under way finish within `graceMs` and ends all streams; then those left are cut. */
  close(graceMs: number): Promise<void>;
}

/** Serves a broker to the proxies of other processes. */
export function brokerLinkService(
  api: BrokerApi,
  options: BrokerLinkServiceOptions,
): StreamService {
  const settings = { ...options, limits: { ...LINK_LIMITS, ...options.limits } };
  const methods = servedMethods();
  const open = new Set<BrokerLinkServer>();
  let empty: () => void = () => undefined;
  let closing = false;
  return {
    definition: { Link: brokerDefinition().Link },
    implementation: {
      Link: (call: ServerDuplexStream<LinkBatch__Output, LinkBatch>) => {
        const link = new BrokerLinkServer(api, methods, serverPipe(call), settings, (closed) => {
          open.delete(closed);
          if (open.size === 0) empty();
        });
        open.add(link);
        if (closing) link.leave();
      },
    },
    close: async (graceMs) => {
      closing = true;
      for (const link of [...open]) link.leave();
      if (open.size === 0) return;
      await new Promise<void>((resolve) => {
        const timer = options.platform.timers.after(graceMs, () => {
          for (const link of [...open]) link.cut('the broker stops');
        });
        empty = () => {
          timer.cancel();
          resolve();
        };
      });
    },
  };
}
