import type { BrokerDialer } from '../api/broker-dialer';
import type { Platform } from '../platform/platform';
import { makeClient } from '../rpc/client';
import type { ClientTls } from '../rpc/client-credentials';
import type { GantryBrokerClient } from '../rpc/generated/gantry/v1/GantryBroker';
import { BrokerLink } from './broker-link';
import { clientPipe } from './grpc-pipe';
import { LINK_LIMITS, type LinkLimits } from './link-limits';
import type { LinkLog } from './log';
import { brokerDefinition } from './services';

export interface BrokerDialerOptions {
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random'>;
  readonly log: LinkLog;
  /** Absent: plaintext. */
  readonly tls?: ClientTls | undefined;
  /** What differs from `LINK_LIMITS`. */
  readonly limits?: Partial<LinkLimits>;
}

/** Makes links to brokers of other processes: one connection and one stream each. */
export function brokerDialer({ platform, log, tls, limits }: BrokerDialerOptions): BrokerDialer {
  return (broker) => {
    const client = makeClient<GantryBrokerClient>(brokerDefinition(), broker.address, { tls });
    return new BrokerLink(broker, {
      platform,
      log,
      limits: { ...LINK_LIMITS, ...limits },
      connect: () => clientPipe(client.Link()),
      disconnect: () => client.close(),
    });
  };
}
