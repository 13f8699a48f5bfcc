import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Producer, SimpleConsumer } from 'rocketmq-client-nodejs';
import { type GantryProcess, runGantry, startGantry } from '../support/process';
import { until } from '../support/until';

const TOPIC = 'orders';
const GROUP = 'readers';
const ORDERS = ['a', 'b', 'c', 'd', 'e', 'f'];
const LIMIT_MS = 120_000;
/** Messages of a message group that may wait for the consumers. */
const AHEAD = 20;

type Gantry = (...args: string[]) => Promise<string>;

interface Cluster {
  readonly processes: GantryProcess[];
  readonly proxies: readonly [string, string];
  readonly a: GantryProcess;
  /** Starts one more broker; or one again, with what it had, where it was. */
  readonly start: (name: string, where?: GantryProcess) => Promise<void>;
}

/** Name server, brokers a and b, and two proxies. */
async function startCluster(folder: string): Promise<Cluster> {
  const namesrv = await startGantry('namesrv');
  const joins = ['--namesrv', namesrv.endpoint];
  const start = (name: string, where?: GantryProcess): Promise<GantryProcess> =>
    startGantry('broker', {
      args: ['--data-dir', join(folder, name), '--broker-name', name, ...joins],
      ...(where && { port: where.port, httpPort: where.httpPort }),
    });
  const polling = ['--receive-min-polling', '1s'];
  const [a, b, one, two] = await Promise.all([
    start('broker-a'),
    start('broker-b'),
    startGantry('proxy', { args: [...polling, ...joins] }),
    startGantry('proxy', { args: [...polling, ...joins] }),
  ]);
  const processes = [namesrv, a, b, one, two];
  return {
    ...{ processes, a, proxies: [one.endpoint, two.endpoint] },
    start: async (name, where) => {
      processes.push(await start(name, where));
    },
  };
}

/** Messages of some message groups, sent and received by the official client until told to stop. */
class Traffic {
  private readonly sent = new Map(ORDERS.map((order) => [order, 0]));
  private readonly seen = new Map(ORDERS.map((order) => [order, [] as number[]]));
  private readonly loops: Promise<void>[] = [];
  private producing = true;
  private consuming = true;

  private constructor(private readonly producer: Producer) {}

  static async start(endpoints: string): Promise<Traffic> {
    const producer = new Producer({ endpoints, namespace: '', topic: TOPIC });
    await producer.startup();
    const traffic = new Traffic(producer);
    for (const order of ORDERS) traffic.loops.push(traffic.produce(order));
    return traffic;
  }

  consumeFrom(endpoints: string): void {
    this.loops.push(this.consume(endpoints));
  }

  /** Resolves when so many more are sent. */
  async more(count: number): Promise<void> {
    const from = this.total();
    await until(`${count} more sends`, LIMIT_MS, () =>
      this.total() - from >= count ? true : undefined,
    );
  }

  /** Sends no more; resolves when all that was sent has been received. */
  async finish(): Promise<void> {
    this.producing = false;
    const left = (): boolean => ORDERS.some((order) => this.waiting(order) > 0);
    await until('all to be received', LIMIT_MS, () => (left() ? undefined : true));
  }

  checkOrder(): void {
    for (const order of ORDERS) {
      const first = [...new Set(this.seen.get(order))];
      expect([order, first]).toEqual([order, first.toSorted((x, y) => x - y)]);
    }
  }

  async stop(): Promise<void> {
    this.producing = false;
    this.consuming = false;
    await Promise.allSettled(this.loops);
    await this.producer.shutdown();
  }

  /** Messages that were sent and not received. */
  private waiting(order: string): number {
    return (this.sent.get(order) ?? 0) - new Set(this.seen.get(order)).size;
  }

  private total(): number {
    return [...this.sent.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Sends each message until it is taken, then the next one. */
  private async produce(order: string): Promise<void> {
    for (let nth = 0; this.producing;) {
      await until(`order ${order} to be received`, LIMIT_MS, () =>
        this.waiting(order) < AHEAD || !this.producing ? true : undefined,
      );
      const message = { topic: TOPIC, messageGroup: order, body: Buffer.from(`${order} ${nth}`) };
      const taken = await this.producer.send(message).then(
        () => true,
        () => false,
      );
      if (taken) this.sent.set(order, ++nth);
    }
  }

  private async consume(endpoints: string): Promise<void> {
    const consumer = new SimpleConsumer({
      ...{ endpoints, namespace: '', consumerGroup: GROUP, awaitDuration: 1000 },
      subscriptions: new Map([[TOPIC, '*']]),
    });
    await consumer.startup();
    while (this.consuming) {
      // A broker that is restarting fails a call; what was received comes again.
      const messages = await consumer.receive(16, 10_000).catch(() => []);
      for (const message of messages) {
        const [order = '', nth = ''] = message.body.toString().split(' ');
        this.seen.get(order)?.push(Number(nth));
        await consumer.ack(message).catch(() => undefined);
      }
    }
    await consumer.shutdown();
  }
}

/** Runs `change` under traffic of a topic on some brokers; in the end all is received, each message group in order. */
async function underTraffic(
  holders: readonly string[],
  change: (cluster: Cluster, traffic: Traffic, gantry: Gantry) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-growing-'));
  const cluster = await startCluster(folder);
  const [first, second] = cluster.proxies;
  const gantry: Gantry = (...args) => runGantry([...args, '--endpoint', first]);
  let traffic: Traffic | undefined;
  try {
    const size = ['--queues', '1', '--broker', ...holders];
    await gantry('topic', 'create', TOPIC, '--type', 'fifo', ...size);
    await gantry('group', 'create', GROUP, '--fifo', '--from-beginning');
    traffic = await Traffic.start(first);
    traffic.consumeFrom(second);
    await traffic.more(30);
    await change(cluster, traffic, gantry);
    await traffic.finish();
    traffic.checkOrder();
  } finally {
    await traffic?.stop();
    for (const running of cluster.processes.toReversed()) await running.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a command says that it changes. */
async function movesOf(gantry: Gantry, ...command: string[]): Promise<unknown> {
  return (JSON.parse(await gantry(...command, '-o', 'json')) as { topics: unknown }).topics;
}

/** The topic goes to broker c, too. */
const SPREAD = [
  {
    ...{ topic: TOPIC, type: 'FIFO' },
    brokers: ['broker-a', 'broker-b', 'broker-c'].map((broker) => ({
      ...{ broker, before: broker === 'broker-c' ? 0 : 1, after: 1 },
    })),
  },
];

describe('the official Node client, while a FIFO topic goes over to another broker', () => {
  it('keeps the order of each message group, through a kill -9 of the broker that it grew from', async () => {
    await underTraffic(['broker-a'], async ({ a, proxies, start }, traffic, gantry) => {
      await gantry('topic', 'update', TOPIC, '--queues', '2', '--broker', 'broker-b');
      // Clients ask for routes every half a minute; this one knows the new queues from the start.
      traffic.consumeFrom(proxies[0]);
      await traffic.more(30);
      await a.kill();
      await start('broker-a', a);
      await traffic.more(30);
      const shown = JSON.parse(await gantry('topic', 'show', TOPIC, '-o', 'json')) as {
        brokers: string[];
      };
      expect(shown.brokers).toEqual(['broker-a', 'broker-b']);
    });
  }, 400_000);

  it('loses nothing and keeps the order, while a third broker joins, and the first is drained, leaves and stops', async () => {
    const holders = ['broker-a', 'broker-b'];
    await underTraffic(holders, async ({ a, proxies, start }, traffic, gantry) => {
      await start('broker-c');
      expect(await movesOf(gantry, 'topic', 'rebalance', '--dry-run')).toEqual(SPREAD);
      expect(await movesOf(gantry, 'topic', 'rebalance')).toEqual(SPREAD);
      expect(await movesOf(gantry, 'topic', 'rebalance')).toEqual([]);
      traffic.consumeFrom(proxies[0]);
      await traffic.more(30);
      await gantry('cluster', 'drain', 'broker-a');
      await traffic.more(30);
      // What it holds is consumed within seconds; until then it is refused.
      await until('broker a to leave', LIMIT_MS, async () => {
        const asked = ['cluster', 'leave', 'broker-a', '-o', 'json'];
        const answer = await gantry(...asked).catch(() => '{"left":false}');
        return (JSON.parse(answer) as { left: boolean }).left ? true : undefined;
      });
      await a.stop();
      await traffic.more(30);
      const shown = JSON.parse(await gantry('topic', 'show', TOPIC, '-o', 'json')) as {
        brokers: string[];
      };
      expect(shown.brokers).toEqual(['broker-b', 'broker-c']);
    });
  }, 400_000);
});
