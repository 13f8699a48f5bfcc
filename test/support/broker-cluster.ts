import pino from 'pino';
import type { BrokerConnection } from '../../src/api/broker-dialer';
import type { BrokerRegistration, RouteApi } from '../../src/api/route-api';
import { createProxy, type Proxy } from '../../src/proxy/proxy';
import { DEFAULT_PROXY_SETTINGS, type ProxySettings } from '../../src/proxy/settings';
import { BrokerBench } from './broker-bench';
import { MemoryLink } from './memory-link';
import { TestProcess } from './test-process';

/** How the proxy reaches the broker. */
export type Way = 'in process' | 'over a link';

/** A broker on its store and a proxy in front of it, both under one simulated clock. */
export class BrokerCluster {
  readonly sim;
  readonly proxy: Proxy;
  private registered: BrokerRegistration | undefined;
  private readonly listeners = new Set<(brokers: readonly BrokerRegistration[]) => void>();

  private constructor(
    readonly bench: BrokerBench,
    way: Way,
    settings: Partial<ProxySettings>,
  ) {
    this.sim = bench.sim;
    this.proxy = createProxy({
      process: new TestProcess(),
      routes: this.routes,
      dial: () => this.connection(way),
      platform: bench.platform,
      log: pino({ level: 'silent' }),
      settings: { ...DEFAULT_PROXY_SETTINGS, ...settings },
    });
  }

  static async open(way: Way, settings: Partial<ProxySettings> = {}): Promise<BrokerCluster> {
    const bench = await new BrokerBench().open();
    const cluster = new BrokerCluster(bench, way, settings);
    await bench.drive(bench.broker.register(cluster.routes, ''));
    return cluster;
  }

  private connection(way: Way): BrokerConnection {
    const { broker } = this.bench;
    if (way === 'over a link') return new MemoryLink(this.sim, broker).link;
    // Its methods are its class's: an object of its own would have none of them.
    return Object.create(broker, { close: { value: () => Promise.resolve() } }) as BrokerConnection;
  }

  private get routes(): RouteApi {
    const announce = (registration: BrokerRegistration): void => {
      this.registered = registration;
      for (const listener of this.listeners) listener([registration]);
    };
    return {
      register: async (registration) => {
        announce(registration);
        return Promise.resolve({
          update: async (next) => Promise.resolve(announce(next)),
          close: () => Promise.resolve(),
        });
      },
      watch: (listener) => {
        this.listeners.add(listener);
        listener(this.registered === undefined ? [] : [this.registered]);
        return { close: () => void this.listeners.delete(listener) };
      },
    };
  }
}
