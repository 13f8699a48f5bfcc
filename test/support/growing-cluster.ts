/** Brokers that know each other, a name server, and proxies, all on one simulated clock. */
import pino from 'pino';
import type { BrokerConnection } from '../../src/api/broker-dialer';
import { BrokerUnreachableError } from '../../src/api/broker-unreachable';
import type { BrokerRegistration, RegistrationLease, RouteApi } from '../../src/api/route-api';
import { RouteTable } from '../../src/namesrv/route-table';
import type { Platform } from '../../src/platform/platform';
import { createProxy, type Proxy as GantryProxy } from '../../src/proxy/proxy';
import { DEFAULT_PROXY_SETTINGS } from '../../src/proxy/settings';
import { BrokerBench } from './broker-bench';
import { deferred } from './deferred';
import { PublicClient } from './public-client';
import { SimClock } from './sim-clock';
import { TestProcess } from './test-process';

/** One broker, its process alive or not. */
class Node {
  lease: RegistrationLease | undefined;
  up = false;
  /** Rejects what is asked of the process that is running when it goes. */
  died = deferred<never>();

  constructor(
    readonly bench: BrokerBench,
    /** While they are held it is not told of changed topics either. */
    readonly routes: HeldRoutes,
  ) {}
}

/** The routes as one process sees them: they may be held back. */
class HeldRoutes {
  private readonly listeners: ((brokers: readonly BrokerRegistration[]) => void)[] = [];
  private latest: readonly BrokerRegistration[] = [];
  held = false;

  constructor(table: RouteTable) {
    table.watch((brokers) => {
      this.latest = brokers;
      if (!this.held) this.tell();
    });
  }

  hold(): void {
    this.held = true;
  }

  release(): void {
    this.held = false;
    this.tell();
  }

  watch(listener: (brokers: readonly BrokerRegistration[]) => void): { close: () => void } {
    this.listeners.push(listener);
    listener(this.latest);
    return { close: () => void this.listeners.splice(this.listeners.indexOf(listener), 1) };
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener(this.latest);
  }
}

export interface ClusterProxy {
  readonly proxy: GantryProxy;
  readonly routes: HeldRoutes;
  readonly client: PublicClient;
}

export class GrowingCluster {
  readonly sim = new SimClock();
  readonly table = new RouteTable(this.sim);
  private readonly nodes = new Map<string, Node>();

  /** Starts a broker, new or with what it had. */
  async start(name: string): Promise<BrokerBench> {
    const node = this.nodes.get(name) ?? this.newNode(name);
    await node.bench.open();
    node.died = deferred<never>();
    node.died.promise.catch(() => undefined);
    node.up = true;
    await node.bench.drive(node.bench.broker.register(this.routesOf(node), `${name}:10911`));
    return node.bench;
  }

  bench(name: string): BrokerBench {
    return this.node(name).bench;
  }

  isUp(name: string): boolean {
    return this.node(name).up;
  }

  /** The brokers that are there. */
  get up(): readonly string[] {
    return [...this.nodes.keys()].filter((name) => this.isUp(name));
  }

  /** Keeps a broker from hearing of changed topics, or ends that. */
  setDeaf(name: string, deaf: boolean): void {
    const { routes } = this.node(name);
    if (deaf) routes.hold();
    else routes.release();
  }

  async stop(name: string): Promise<void> {
    const { bench } = this.node(name);
    await bench.drive(bench.running?.stop() ?? Promise.resolve());
    this.gone(name);
  }

  /** As `kill -9`. */
  async kill(name: string): Promise<void> {
    const node = this.node(name);
    node.bench.die();
    this.gone(name);
    await node.bench.drive(node.lease?.close() ?? Promise.resolve());
  }

  proxy(): ClusterProxy {
    const { sim } = this;
    const routes = new HeldRoutes(this.table);
    const { clock, timers } = sim;
    const proxy = createProxy({
      process: new TestProcess(),
      routes: {
        register: () => Promise.reject(new Error('a proxy registers nothing')),
        watch: (listener) => routes.watch(listener),
      },
      dial: ({ brokerName }) => this.connect(brokerName),
      platform: { clock, timers, random: { uint32: () => 7 } } as unknown as Platform,
      log: pino({ level: 'silent' }),
      // Where a broker is away its calls are refused at once: no time passes while a test drives a call.
      settings: { ...DEFAULT_PROXY_SETTINGS, masterWaitMs: 0 },
    });
    return { proxy, routes, client: new PublicClient({ proxy, sim }) };
  }

  async close(): Promise<void> {
    for (const name of this.up) await this.stop(name);
    this.table.close();
  }

  private newNode(name: string): Node {
    const options = {
      settings: { brokerName: name, snapshotEveryBytes: 4000 },
      dial: ({ brokerName }: BrokerRegistration) => this.connect(brokerName),
    };
    const node = new Node(
      new BrokerBench(options, undefined, this.sim),
      new HeldRoutes(this.table),
    );
    this.nodes.set(name, node);
    return node;
  }

  private node(name: string): Node {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no broker ${name}`);
    return node;
  }

  private gone(name: string): void {
    const node = this.node(name);
    node.up = false;
    node.died.reject(new BrokerUnreachableError(name));
  }

  /** The name server notices when the process is gone. */
  private routesOf(node: Node): RouteApi {
    return {
      register: async (registration) => (node.lease = await this.table.register(registration)),
      watch: (listener) => {
        const { died } = node;
        const watch = node.routes.watch((brokers) => {
          if (node.died === died && node.up) listener(brokers);
        });
        return watch;
      },
    };
  }

  /** A link: what is asked of a broker fails when its process goes. */
  private connect(name: string): BrokerConnection {
    const over = (of: (node: Node) => object): object =>
      new Proxy(
        {},
        {
          get: (_, key) => {
            if (key === 'close') return () => Promise.resolve();
            if (key === 'transactions') return over(({ bench }) => bench.broker.transactions);
            if (key === 'inspect') return over(({ bench }) => bench.broker.inspect);
            return async (...args: unknown[]): Promise<unknown> => {
              const node = this.node(name);
              const deaf = key === 'putTopic' && node.routes.held;
              if (!node.up || deaf) throw new BrokerUnreachableError(name);
              const target = of(node);
              const method = Reflect.get(target, key) as (...args: unknown[]) => Promise<unknown>;
              return Promise.race([method.apply(target, args), node.died.promise]);
            };
          },
        },
      );
    return over(({ bench }) => bench.broker) as BrokerConnection;
  }
}
