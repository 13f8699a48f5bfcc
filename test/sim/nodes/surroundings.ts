import type { Logger } from 'pino';
import type { LinkBatch } from '../../../src/rpc/generated/gantry/v1/LinkBatch';
import type { LinkBatch__Output } from '../../../src/rpc/generated/gantry/v1/LinkBatch';
import type { BrokerDialer } from '../../../src/api/broker-dialer';
import { BrokerLink } from '../../../src/link/broker-link';
import { LINK_LIMITS } from '../../../src/link/link-limits';
import { type NameServerAccess, NameServersClient } from '../../../src/link/route-client';
import { brokerDefinition, nameServerDefinition } from '../../../src/link/services';
import type { Network } from '../world/network';
import type { Process } from '../world/process';
import { codecPipe } from '../world/wire';

/** The services between our own parts, by the names under which processes serve them. */
export const LINK = 'link';
export const REGISTER = 'register';
export const WATCH = 'watch';

/** What every role of the simulated cluster is given. */
export interface NodeSurroundings {
  readonly process: Process;
  readonly network: Network;
  readonly logger: Logger;
  /** The machines of the name servers. */
  readonly nameServers: readonly string[];
}

/** A role that runs. */
export interface RunningNode {
  /** An orderly stop, as after SIGTERM. */
  stop(): Promise<void>;
}

/** The way to the name servers. */
export function routesOf({
  process,
  network,
  logger,
  nameServers,
}: NodeSurroundings): NameServersClient {
  const { Register, Watch } = nameServerDefinition();
  const access = (machine: string): NameServerAccess => ({
    address: machine,
    register: () =>
      codecPipe(
        network.connect(process, machine, REGISTER, undefined),
        Register.requestSerialize,
        Register.responseDeserialize,
      ),
    watch: () =>
      codecPipe(
        network.connect(process, machine, WATCH, undefined),
        Watch.requestSerialize,
        Watch.responseDeserialize,
      ),
    close: () => undefined,
  });
  const log = logger.child({ part: 'routes' });
  return new NameServersClient(nameServers.map(access), { platform: process.platform, log });
}

/** Ways to brokers; a broker's address is the name of its machine. */
export function dialerOf({ process, network, logger }: NodeSurroundings): BrokerDialer {
  const { Link } = brokerDefinition();
  return (broker) =>
    new BrokerLink(broker, {
      platform: process.platform,
      log: logger.child({ part: 'link' }),
      limits: LINK_LIMITS,
      connect: () =>
        codecPipe<LinkBatch, LinkBatch__Output>(
          network.connect(process, broker.address, LINK, undefined),
          Link.requestSerialize,
          Link.responseDeserialize,
        ),
      disconnect: () => undefined,
    });
}
