import { join } from 'node:path';
import { CHECKS } from '../../crash/mixed/load';
import { QUIET, SHORT, Target } from '../../crash/target';
import { EtcdCluster } from '../../etcd/support/etcd-process';
import { LOOPBACK, type Place } from '../../support/process';
import { Network, type Way } from './network';

export const ETCDS = ['etcd-0', 'etcd-1', 'etcd-2'] as const;
export const NAMESRVS = ['namesrv-0', 'namesrv-1'] as const;
/** `broker-N` is replica N of the one group. */
export const BROKERS = ['broker-0', 'broker-1', 'broker-2'] as const;
export const PROXIES = ['proxy-0', 'proxy-1'] as const;
const NODES = [...ETCDS, ...NAMESRVS, ...BROKERS, ...PROXIES] as const;

export type NodeName = (typeof NODES)[number];
export type BrokerNode = (typeof BROKERS)[number];

export const GROUP = 'broker-a';

export interface FailoverOptions {
  /** Whether each process has a network namespace of its own, so that they can be cut off each other. */
  readonly network?: boolean;
  /** See `EtcdClusterOptions`. */
  readonly electionMs?: number;
  /** More flags of the brokers. */
  readonly brokerArgs?: readonly string[];
}

/**
 * A cluster of processes: three etcds, two name servers, a broker group of three replicas under `replication.ack:
 * sync`, two proxies.
 */
export class FailoverCluster {
  private constructor(
    private readonly target: Target,
    private readonly etcd: EtcdCluster,
    private readonly network: Network | undefined,
  ) {}

  static async start(options: FailoverOptions): Promise<FailoverCluster> {
    const { network: apart, brokerArgs, electionMs } = options;
    const network = apart === true ? await Network.create() : undefined;
    let etcd: EtcdCluster | undefined;
    try {
      const places = await placesOf(network);
      const etcds = ETCDS.map((name) => places[name]);
      etcd = await EtcdCluster.start({
        places: etcds,
        ...(electionMs !== undefined && { electionMs }),
      });
      const endpoints = etcd.endpoints.join(',');
      const target = await Target.start((made) => build(made, places, endpoints, brokerArgs ?? []));
      return new FailoverCluster(target, etcd, network);
    } catch (error) {
      await etcd?.stop();
      await network?.remove();
      throw error;
    }
  }

  /** Where clients connect. */
  get proxies(): readonly string[] {
    return PROXIES.map((name) => this.target.running(name).endpoint);
  }

  /** Where a broker listens. */
  address(broker: BrokerNode): string {
    return this.target.running(broker).endpoint;
  }

  /** Where a broker keeps its data. */
  directory(broker: BrokerNode): string {
    return join(this.target.folder, broker);
  }

  /** Runs etcdctl. @returns what it wrote */
  etcdctl(...args: readonly string[]): Promise<string> {
    return this.etcd.ctl(args);
  }

  /** The member of etcd that leads the others. */
  async etcdLeader(): Promise<NodeName> {
    const leader = await this.etcd.leader();
    return ETCDS.find((name) => this.endpoint(name) === leader) ?? ETCDS[0];
  }

  /** kill -9. */
  async kill(...names: readonly NodeName[]): Promise<void> {
    for (const name of names) if (isEtcd(name)) this.etcd.signal(this.endpoint(name), 'SIGKILL');
    await this.target.kill(...names.filter((name) => !isEtcd(name)));
  }

  /** Starts what was killed, on the same ports and directories. */
  async restart(...names: readonly NodeName[]): Promise<void> {
    for (const name of names) if (isEtcd(name)) this.etcd.restart(this.endpoint(name));
    await this.target.restart(...names.filter((name) => !isEtcd(name)));
  }

  /** Stops a process where it is, or lets it go on. */
  signal(name: NodeName, signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (isEtcd(name)) this.etcd.signal(this.endpoint(name), signal);
    else process.kill(this.target.running(name).pid, signal);
  }

  /** SIGTERM; throws when the process does not end cleanly. */
  async stop(name: Exclude<NodeName, (typeof ETCDS)[number]>): Promise<void> {
    await this.target.end(name);
  }

  /** Drops what goes from one to the others, comes from them, or both; needs `network`. */
  async cut(name: NodeName, others: readonly NodeName[], way: Way = 'both'): Promise<void> {
    await this.net.cut(name, others, way);
  }

  /** Takes all cuts back. */
  async heal(): Promise<void> {
    await this.net.heal();
  }

  /** What all processes logged, the newest of it. */
  output(): string {
    return this.target.output();
  }

  /** Ends all and removes what is left, whatever state it is in. */
  async remove(): Promise<void> {
    await this.target.remove();
    await this.etcd.stop();
    await this.network?.remove();
  }

  private get net(): Network {
    if (this.network === undefined) throw new Error('the cluster has no network of its own');
    return this.network;
  }

  private endpoint(name: (typeof ETCDS)[number]): string {
    return this.etcd.endpoints[ETCDS.indexOf(name)] ?? '';
  }
}

/** All but some. */
export function others(...names: readonly NodeName[]): readonly NodeName[] {
  return NODES.filter((name) => !names.includes(name));
}

function isEtcd(name: NodeName): name is (typeof ETCDS)[number] {
  return ETCDS.some((one) => one === name);
}

async function placesOf(network: Network | undefined): Promise<Readonly<Record<NodeName, Place>>> {
  const places: [NodeName, Place][] = [];
  for (const name of NODES) places.push([name, (await network?.join(name)) ?? LOOPBACK]);
  return Object.fromEntries(places) as Record<NodeName, Place>;
}

/** Name servers first, then brokers and proxies: each finds what it needs. */
async function build(
  target: Target,
  places: Readonly<Record<NodeName, Place>>,
  etcd: string,
  brokerArgs: readonly string[],
): Promise<void> {
  const namesrvs = await Promise.all(
    NAMESRVS.map((name) => target.add(name, 'namesrv', QUIET, places[name])),
  );
  const joins = ['--namesrv', namesrvs.map(({ endpoint }) => endpoint).join(',')];
  await Promise.all(
    BROKERS.map((name, replica) => {
      const own = ['--broker-replica-id', `${replica}`, '--data-dir', join(target.folder, name)];
      const group = ['--broker-name', GROUP, '--replication-mode', 'etcd'];
      const args = [...own, ...group, '--replication-ack', 'sync', '--etcd-endpoints', etcd];
      return target.add(
        name,
        'broker',
        [...args, ...joins, ...CHECKS, ...brokerArgs],
        places[name],
      );
    }),
  );
  await Promise.all(
    PROXIES.map((name) => {
      const args = [...joins, ...QUIET, ...SHORT, '--admin-listen', 'any'];
      return target.add(name, 'proxy', args, places[name]);
    }),
  );
}
