import pino from 'pino';
import type { BrokerConnection } from '../../src/api/broker-dialer';
import type { BrokerRegistration } from '../../src/api/route-api';
import { createProxy, type Proxy } from '../../src/proxy/proxy';
import { DEFAULT_PROXY_SETTINGS } from '../../src/proxy/settings';
import type { TopicConfig } from '../../src/api/topic';
import { memoryPlatform } from '../../src/platform/memory-files';
import { MemoryLink } from './memory-link';
import { groupConfig } from './model-broker';
import { PublicClient } from './public-client';
import { registration } from './registration';
import { ReplicaGroup, type TestReplica } from './replica-group';
import { TestProcess } from './test-process';

type Listener = (brokers: readonly BrokerRegistration[]) => void;

/** A master and its replica, and two proxies that reach them over links, on one simulated clock. */
export class GroupCluster {
  /** A client of each proxy, with one client id. */
  readonly clients: readonly [PublicClient, PublicClient];
  private readonly links = new Map<string, MemoryLink[]>();
  private readonly listeners = new Set<Listener>();
  private leader = { address: 'host:0', epoch: 1 };

  private constructor(
    readonly group: ReplicaGroup,
    private readonly replicas: readonly [TestReplica, TestReplica],
    private readonly topics: readonly TopicConfig[],
  ) {
    const { sim } = group;
    const client = (): PublicClient =>
      new PublicClient({ proxy: this.proxy(), sim }, { clientId: 'client-1', timeoutMs: 10_000 });
    this.clients = [client(), client()];
  }

  /** With these topics, and group `g` that has them from the beginning. */
  static async start(topics: readonly TopicConfig[]): Promise<GroupCluster> {
    const group = new ReplicaGroup();
    const [master, replica] = await group.masterAndReplica();
    for (const topic of topics) await group.drive(master.broker.putTopic(topic));
    await group.drive(master.broker.putGroup(groupConfig('g', { startFrom: 'beginning' })));
    return new GroupCluster(group, [master, replica], topics);
  }

  /** As `kill -9`; the name servers notice at once. */
  async killMaster(): Promise<void> {
    this.group.kill(0);
    for (const link of this.links.get('host:0') ?? []) {
      link.reachable = false;
      link.stream.cut();
    }
    this.tell([]);
    await this.group.sim.settle();
  }

  /** The replica leads. */
  async takeOver(): Promise<void> {
    const epoch = this.leader.epoch + 1;
    await this.group.drive(this.replicas[1].host.lead(epoch, [1]));
    this.leader = { address: 'host:1', epoch };
    this.tell(this.registrations());
    await this.group.sim.settle();
  }

  private tell(brokers: readonly BrokerRegistration[]): void {
    for (const listener of this.listeners) listener(brokers);
  }

  private registrations(): readonly BrokerRegistration[] {
    const { leader, topics } = this;
    return [registration({ ...leader, brokerName: 'a', version: leader.epoch, topics })];
  }

  private proxy(): Proxy {
    const { clock, timers } = this.group.sim;
    return createProxy({
      routes: {
        register: () => Promise.reject(new Error('a proxy registers nothing')),
        watch: (listener) => {
          this.listeners.add(listener);
          listener(this.registrations());
          return { close: () => void this.listeners.delete(listener) };
        },
      },
      dial: ({ address }) => this.dial(address),
      platform: { ...memoryPlatform(), clock, timers },
      log: pino({ level: 'silent' }),
      settings: DEFAULT_PROXY_SETTINGS,
      process: new TestProcess(),
    });
  }

  private dial(address: string): BrokerConnection {
    const { host } = this.replicas[address === 'host:0' ? 0 : 1];
    const link = new MemoryLink(this.group.sim, () => host.leader());
    this.links.set(address, [...(this.links.get(address) ?? []), link]);
    return link.link;
  }
}
