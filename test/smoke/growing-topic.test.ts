import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Producer, SimpleConsumer } from 'rocketmq-client-nodejs';
import { type GantryProcess, runGantry, startGantry } from '../support/process';
import { until } from '../support/until';

const TOPIC = 'orders';
const GROUP = 'readers';
const ORDERS = ['a', 'b', 'c', 'd', 'e', 'f'];
const LIMIT_MS = 60_000;

/** Name server, brokers a and b, and two proxies; topic and group are on broker a alone. */
async function startCluster(folder: string): Promise<{
  readonly processes: GantryProcess[];
  readonly proxies: readonly [string, string];
  /** kill -9 of broker a, and its next start. */
  readonly restart: () => Promise<void>;
}> {
  const namesrv = await startGantry('namesrv');
  const joins = ['--namesrv', namesrv.endpoint];
  const start = (name: string, ports: { port?: number; httpPort?: number } = {}) =>
    startGantry('broker', {
      args: ['--data-dir', join(folder, name), '--broker-name', name, ...joins],
      ...ports,
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
    processes,
    proxies: [one.endpoint, two.endpoint],
    restart: async () => {
      await a.kill();
      processes.push(await start('broker-a', { port: a.port, httpPort: a.httpPort }));
    },
  };
}

describe('the official Node client, while a FIFO topic grows to another broker', () => {
  it('keeps the order of each message group, through a kill -9 of the broker that it grew from', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gantry-growing-'));
    const { processes, proxies, restart } = await startCluster(folder);
    const at = ['--endpoint', proxies[0]];
    await runGantry(
      ['topic', 'create', TOPIC, '--type', 'fifo', '--queues', '1'].concat(
        ['--broker', 'broker-a'],
        at,
      ),
    );
    await runGantry(['group', 'create', GROUP, '--fifo', '--from-beginning', ...at]);
    const producer = new Producer({ endpoints: proxies[0], namespace: '', topic: TOPIC });
    await producer.startup();
    const sent = new Map(ORDERS.map((order) => [order, 0]));
    const seen = new Map(ORDERS.map((order) => [order, [] as number[]]));
    const total = (): number => [...sent.values()].reduce((sum, count) => sum + count, 0);
    let producing = true;
    let consuming = true;

    /** Sends each message until it is taken, then the next one. */
    const produce = async (order: string): Promise<void> => {
      for (let nth = 0; producing;) {
        const message = { topic: TOPIC, messageGroup: order, body: Buffer.from(`${order} ${nth}`) };
        const taken = await producer.send(message).then(
          () => true,
          () => false,
        );
        if (taken) sent.set(order, ++nth);
      }
    };
    const consume = async (endpoints: string): Promise<void> => {
      const consumer = new SimpleConsumer({
        ...{ endpoints, namespace: '', consumerGroup: GROUP, awaitDuration: 1000 },
        subscriptions: new Map([[TOPIC, '*']]),
      });
      await consumer.startup();
      while (consuming) {
        // A broker that is restarting fails a call; what was received comes again.
        const messages = await consumer.receive(16, 10_000).catch(() => []);
        for (const message of messages) {
          const [order = '', nth = ''] = message.body.toString().split(' ');
          seen.get(order)?.push(Number(nth));
          await consumer.ack(message).catch(() => undefined);
        }
      }
      await consumer.shutdown();
    };

    const loops = [...ORDERS.map(produce), consume(proxies[1])];
    const more = async (count: number): Promise<void> => {
      const from = total();
      await until(`${count} more sends`, LIMIT_MS, () =>
        total() - from >= count ? true : undefined,
      );
    };
    try {
      await more(30);
      await runGantry(['topic', 'update', TOPIC, '--queues', '2', '--broker', 'broker-b', ...at]);
      // Clients ask for routes every half a minute; this one knows the new queues from the start.
      loops.push(consume(proxies[0]));
      await more(30);
      await restart();
      await more(30);
      producing = false;
      const left = (): boolean =>
        ORDERS.some((order) => new Set(seen.get(order)).size < (sent.get(order) ?? 0));
      await until('all to be received', LIMIT_MS, () => (left() ? undefined : true));
      for (const order of ORDERS) {
        const first = [...new Set(seen.get(order))];
        expect([order, first]).toEqual([order, first.toSorted((x, y) => x - y)]);
      }
      const { brokers } = JSON.parse(
        await runGantry(['topic', 'show', TOPIC, '-o', 'json', ...at]),
      ) as { brokers: string[] };
      expect(brokers).toEqual(['broker-a', 'broker-b']);
    } finally {
      producing = false;
      consuming = false;
      await Promise.allSettled(loops);
      await producer.shutdown();
      for (const running of processes.toReversed()) await running.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 180_000);
});
