import pino from 'pino';
import type { BrokerRegistration, RouteApi } from '../../src/api/route-api';
import type { TopicConfig, TopicType } from '../../src/api/topic';
import type { Platform } from '../../src/platform/platform';
import { createProxy, type Proxy } from '../../src/proxy/proxy';
import { DEFAULT_PROXY_SETTINGS, type ProxySettings } from '../../src/proxy/settings';
import { ModelBroker } from './model-broker';
import { SimClock } from './sim-clock';
import { TestProcess } from './test-process';

type Listener = (brokers: readonly BrokerRegistration[]) => void;

/** Model brokers, the routes to them, and a proxy in front, all under a simulated clock. */
export class ModelCluster {
  readonly sim = new SimClock();
  readonly brokers = new Map<string, ModelBroker>();
  readonly proxy: Proxy;
  /** Brokers that a name server would not list. */
  readonly absent = new Set<string>();
  dials = 0;
  /** Addresses, in the order in which they were dialled. */
  readonly dialled: string[] = [];
  readonly process = new TestProcess();
  /** Raised when all brokers have started anew. */
  epoch = 1;
  /** Brokers that do not lead. */
  private readonly followers: BrokerRegistration[] = [];
  private readonly listeners = new Set<Listener>();
  private version = 0;
  /** How often another process has come to lead each broker name. */
  private readonly successions = new Map<string, number>();

  constructor(settings: Partial<ProxySettings> = {}, names: readonly string[] = ['broker-a']) {
    for (const name of names) this.brokers.set(name, new ModelBroker(name, () => this.announce()));
    const { clock, timers } = this.sim;
    this.proxy = createProxy({
      routes: this.routes,
      dial: ({ brokerName, address }) => {
        this.dials++;
        this.dialled.push(address);
        return this.broker(brokerName);
      },
      // Nothing in a proxy touches files or sockets.
      platform: { clock, timers, random: { uint32: () => 7 } } as unknown as Platform,
      log: pino({ level: 'silent' }),
      settings: { ...DEFAULT_PROXY_SETTINGS, ...settings },
      process: this.process,
    });
  }

  broker(name = 'broker-a'): ModelBroker {
    const broker = this.brokers.get(name);
    if (broker === undefined) throw new Error(`no broker ${name}`);
    return broker;
  }

  /** A topic on every broker, in the routes at once. */
  topic(name: string, type: TopicType = 'NORMAL', queues = 8): void {
    const config: TopicConfig = { name, type, queues };
    for (const broker of this.brokers.values()) broker.topics.set(name, config);
    this.announce();
  }

  /** Another broker of a group, known from the next `announce` on. */
  follower(brokerName: string, brokerId: number, changes: Partial<BrokerRegistration> = {}): void {
    const address = `${brokerName}-${brokerId}:10911`;
    const { epoch, version } = this;
    this.followers.push({
      ...{ cluster: 'c1', brokerName, brokerId, address, epoch, version, topics: [] },
      ...changes,
    });
  }

  /** Another process, knowing nothing but the topics, leads a broker name from now on; the old one answers as before. */
  succeed(name: string): ModelBroker {
    const old = this.broker(name);
    const next = new ModelBroker(name, () => this.announce());
    for (const [topic, config] of old.topics) next.topics.set(topic, config);
    this.brokers.set(name, next);
    this.successions.set(name, (this.successions.get(name) ?? 0) + 1);
    this.absent.delete(name);
    this.epoch++;
    this.announce();
    return next;
  }

  /** As `kill -9` of a broker, which the name servers notice at once. */
  kill(name: string): void {
    this.broker(name).die();
    this.absent.add(name);
    this.announce();
  }

  /** Tells the watchers what is there now. */
  announce(): void {
    this.version++;
    for (const listener of this.listeners) listener(this.registrations());
  }

  private readonly routes: RouteApi = {
    register: () => Promise.reject(new Error('a proxy registers nothing')),
    watch: (listener) => {
      this.listeners.add(listener);
      listener(this.registrations());
      return { close: () => void this.listeners.delete(listener) };
    },
  };

  private registrations(): readonly BrokerRegistration[] {
    const masters = [...this.brokers.values()]
      .filter(({ brokerName }) => !this.absent.has(brokerName))
      .map(({ brokerName, topics, draining }) => ({
        cluster: 'c1',
        brokerName,
        brokerId: 0,
        address: `${brokerName}:${10_911 + (this.successions.get(brokerName) ?? 0)}`,
        epoch: this.epoch,
        version: this.version,
        topics: [...topics.values()],
        draining,
      }));
    return [...masters, ...this.followers];
  }
}
