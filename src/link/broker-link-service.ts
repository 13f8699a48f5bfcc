import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { LeadingBroker } from '../api/leading-broker';
import type { Platform } from '../platform/platform';
import type { LinkBatch, LinkBatch__Output } from '../rpc/generated/gantry/v1/LinkBatch';
import { BrokerLinkServer } from './broker-link-server';
import { servedMethods } from './broker-methods';
import { serverPipe } from './grpc-pipe';
import { LINK_LIMITS, type LinkLimits } from './link-limits';
import type { LinkLog } from './log';
import { brokerDefinition } from './services';
import { OpenStreams, type StreamService } from './stream-service';

export interface BrokerLinkServiceOptions {
  readonly platform: Pick<Platform, 'timers'>;
  readonly log: LinkLog;
  /** Who this is: a proxy that meant another broker goes away. */
  readonly brokerName: string;
  readonly brokerId: () => number;
  /** What differs from `LINK_LIMITS`. */
  readonly limits?: Partial<LinkLimits>;
}

/** Serves the broker that leads in this process, while one does, to the proxies of other processes. */
export function brokerLinkService(
  leading: LeadingBroker,
  options: BrokerLinkServiceOptions,
): StreamService {
  const settings = { ...options, limits: { ...LINK_LIMITS, ...options.limits } };
  const methods = servedMethods();
  const streams = new OpenStreams();
  return {
    definition: { Link: brokerDefinition().Link },
    implementation: {
      Link: (call: ServerDuplexStream<LinkBatch__Output, LinkBatch>) => {
        const pipe = serverPipe(call);
        streams.add(new BrokerLinkServer(leading, methods, pipe, settings, streams.remove));
      },
    },
    close: (graceMs) => streams.close(options.platform.timers, graceMs),
  };
}
