import type { Logger } from 'pino';
import type { LinkBatch } from '../../../src/rpc/generated/gantry/v1/LinkBatch';
import type { LinkBatch__Output } from '../../../src/rpc/generated/gantry/v1/LinkBatch';
import type { BrokerDialer } from '../../../src/api/broker-dialer';
import type { ReplicationApi, ReplicationServer } from '../../../src/api/replication-api';
import { BrokerLink } from '../../../src/link/broker-link';
import { LINK_LIMITS } from '../../../src/link/link-limits';
import {
  followerFromWire,
  followerToWire,
  masterFromWire,
  masterToWire,
} from '../../../src/link/codec/replication';
import { replicationStream } from '../../../src/link/replication-stream';
import { type NameServerAccess, NameServersClient } from '../../../src/link/route-client';
import {
  brokerDefinition,
  nameServerDefinition,
  replicationDefinition,
} from '../../../src/link/services';
import type { Etcd } from '../world/etcd';
import type { Network } from '../world/network';
import type { Process } from '../world/process';
import { codecPipe } from '../world/wire';

/** The services between our own parts, by the names under which processes serve them. */
export const LINK = 'link';
export const REGISTER = 'register';
export const WATCH = 'watch';
const FOLLOW = 'follow';

/** What every role of the simulated cluster is given. */
export interface NodeSurroundings {
  readonly process: Process;
  readonly network: Network;
  readonly etcd: Etcd;
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
    });
}

/** Ways to masters; a replica's address is the name of its machine. */
export function replicationOf({ process, network }: NodeSurroundings): ReplicationApi {
  const { Follow } = replicationDefinition();
  return {
    connect: (address) =>
      replicationStream(
        codecPipe(
          network.connect(process, address, FOLLOW, undefined),
          Follow.requestSerialize,
          Follow.responseDeserialize,
        ),
        { encode: followerToWire, decode: masterFromWire },
      ),
  };
}

/** Serves the followers of a replica. */
export function serveReplication({ process }: NodeSurroundings, server: ReplicationServer): void {
  const { Follow } = replicationDefinition();
  process.services.set(FOLLOW, (end) => {
    const pipe = codecPipe(end, Follow.responseSerialize, Follow.requestDeserialize);
    server.accept(replicationStream(pipe, { encode: masterToWire, decode: followerFromWire }));
  });
}
