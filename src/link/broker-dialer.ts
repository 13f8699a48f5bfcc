import type { BrokerDialer } from '../api/broker-dialer';
import type { Platform } from '../platform/platform';
import type { ClientTls } from '../rpc/client-credentials';
import { openPipe } from '../rpc/grpc/client-pipe';
import { BrokerLink } from './broker-link';
import { LINK_LIMITS, type LinkLimits } from './link-limits';
import type { LinkLog } from './log';
import { brokerDefinition } from './services';

export interface BrokerDialerOptions {
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random' | 'sockets'>;
  readonly log: LinkLog;
  /** Absent: plaintext. */
  readonly tls?: ClientTls | undefined;
  /** What differs from `LINK_LIMITS`. */
  readonly limits?: Partial<LinkLimits>;
}

/** Makes links to brokers of other processes: a stream each, on a connection of its own. */
export function brokerDialer({ platform, log, tls, limits }: BrokerDialerOptions): BrokerDialer {
  return (broker) =>
    new BrokerLink(broker, {
      platform,
      log,
      limits: { ...LINK_LIMITS, ...limits },
      connect: () => openPipe(platform, broker.address, brokerDefinition().Link, { tls }),
    });
}
