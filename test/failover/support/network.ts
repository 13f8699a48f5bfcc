import type { Place } from '../../support/process';
import { run } from '../../support/go-program';

/** Which packets between two are dropped, seen from the first one. */
export type Way = 'both' | 'out' | 'in';

interface Namespace extends Place {
  readonly namespace: string;
}

/**
 * Network namespaces on one bridge, one for each process, where connections can be cut: packets are dropped without
 * a word, as a broken network does. One at a time in a process. The tests stand on the bridge and reach all of them all the time. Needs root,
 * iproute2 and iptables.
 *
 *     tests, 198.18.N.1 -- bridge --+-- 198.18.N.2  broker-0
 *                                   +-- 198.18.N.3  broker-1
 *                                   ...
 */
export class Network {
  private readonly members = new Map<string, Namespace>();
  /** What all its names begin with; they end at 15 characters. */
  readonly tag = `gt${process.pid.toString(36)}`;
  /** Of the range that is set aside for tests of networks (RFC 2544). */
  private readonly subnet = `198.18.${process.pid % 256}`;

  private constructor() {}

  static async create(): Promise<Network> {
    const network = new Network();
    const { bridge } = network;
    await ip('link', 'add', bridge, 'type', 'bridge');
    try {
      await ip('address', 'add', `${network.subnet}.1/24`, 'dev', bridge);
      await ip('link', 'set', bridge, 'up');
      return network;
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  /** Makes a namespace, and a way to it. */
  async join(name: string): Promise<Place> {
    const number = this.members.size + 2;
    const namespace = `${this.tag}-${name}`;
    const link = `${this.tag}.${number}`;
    const host = `${this.subnet}.${number}`;
    const enter = ['ip', 'netns', 'exec', namespace];
    await ip('netns', 'add', namespace);
    this.members.set(name, { host, enter, namespace });
    await ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    await ip('link', 'set', link, 'master', this.bridge, 'up');
    await ip('-n', namespace, 'address', 'add', `${host}/24`, 'dev', 'eth0');
    await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return { host, enter };
  }

  /** Drops what goes from one to the others, comes from them, or both. */
  async cut(name: string, others: readonly string[], way: Way): Promise<void> {
    const { namespace } = this.member(name);
    for (const other of others) {
      const { host } = this.member(other);
      if (way !== 'in') await filter(namespace, '-A', 'OUTPUT', '-d', host, '-j', 'DROP');
      if (way !== 'out') await filter(namespace, '-A', 'INPUT', '-s', host, '-j', 'DROP');
    }
  }

  /** Takes all cuts back. */
  async heal(): Promise<void> {
    for (const { namespace } of this.members.values()) await filter(namespace, '-F');
  }

  /** Removes what was made; the processes in it have ended before. */
  async remove(): Promise<void> {
    for (const { namespace } of this.members.values()) await ip('netns', 'delete', namespace);
    this.members.clear();
    await ip('link', 'delete', this.bridge);
  }

  private get bridge(): string {
    return `${this.tag}.br`;
  }

  private member(name: string): Namespace {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`${name} is not in the network`);
    return member;
  }
}

async function ip(...args: readonly string[]): Promise<void> {
  await run('ip', args);
}

async function filter(namespace: string, ...rule: readonly string[]): Promise<void> {
  await ip('netns', 'exec', namespace, 'iptables', '-w', ...rule);
}
