/**
 * What has not come to an end when a directory changes hands between Apache RocketMQ 5.5.0 and Gantry: delayed
 * messages come at their time, once, and transactions are asked about, on whatever side they began.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Producer } from 'rocketmq-client-nodejs';
import { runGantry, startGantry, type GantryProcess } from '../../support/process';
import { until } from '../../support/until';
import { Driver } from '../support/driver';
import { ApacheServer } from './support/apache-server';

const SEGMENT_BYTES = 16 * 1024 * 1024;
const DELAY_MS = 30_000;
const LIMIT_MS = 90_000;
const INVISIBLE_MS = 20_000;
/** `TransactionResolution` of the API. */
const COMMIT = 1;
const ROLLBACK = 2;
const DAY_MS = 86_400_000;

/** What consumers got, and what producers were asked about. */
interface Seen {
  readonly body: string;
  readonly atMs: number;
}

describe('what is pending when a directory changes hands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-pending-'));
  const store = join(folder, 'store');
  const seen: Seen[] = [];
  const asked: string[] = [];
  let apache: ApacheServer | undefined;
  let gantry: GantryProcess | undefined;
  let closing: (() => Promise<void>)[] = [];

  beforeAll(() => {
    mkdirSync(store);
  });

  afterAll(async () => {
    await closeClients();
    await apache?.kill();
    await gantry?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const startApache = async (): Promise<ApacheServer> => {
    const options = { store, folder: join(folder, 'apache'), segmentBytes: SEGMENT_BYTES };
    apache = await ApacheServer.start(options);
    return apache;
  };

  const startOurs = async (): Promise<GantryProcess> => {
    const sizes = ['--store-segment-bytes', '16MiB', '--broker-name', 'broker-a'];
    const times = [
      '--receive-min-polling',
      '1s',
      '--receive-max-polling',
      '5s',
      '--transactions-first-check',
      '2s',
    ];
    const delays = ['--delay-max', '960h'];
    gantry = await startGantry('start', {
      args: ['--data-dir', store, '--no-auto-create', ...sizes, ...times, ...delays],
    });
    return gantry;
  };

  const closeClients = async (): Promise<void> => {
    const all = closing;
    closing = [];
    for (const close of all.reverse()) await close();
  };

  /** A producer; asked about a transaction it answers what its body says. */
  const producerAt = async (endpoints: string, topic: string): Promise<Producer> => {
    const checker = {
      check: async (message: { readonly body: Buffer }) => {
        const body = message.body.toString();
        asked.push(body);
        return Promise.resolve(body.includes('rolled') ? ROLLBACK : COMMIT);
      },
    };
    const producer = new Producer({ endpoints, namespace: '', topic, checker });
    await producer.startup();
    closing.push(() => producer.shutdown());
    return producer;
  };

  /** A group that takes all that comes, in the background. */
  const consumeAt = async (endpoints: string): Promise<void> => {
    const driver = Driver.start('node');
    closing.push(() => driver.stop());
    const subscriptions = { later: '*', deal: '*' };
    const consumer = await driver.simple({
      ...{ endpoints, group: 'readers', subscriptions, awaitMs: 3000 },
    });
    let stopped = false;
    const running = (async () => {
      while (!stopped) {
        const { messages } = await consumer.receive(16, INVISIBLE_MS);
        for (const message of messages) {
          seen.push({ body: Buffer.from(message.body, 'base64').toString(), atMs: Date.now() });
          await consumer.ack(message);
        }
      }
    })();
    closing.push(async () => {
      stopped = true;
      await running;
    });
  };

  const bodies = (): string[] => seen.map(({ body }) => body).sort();
  const untilSeen = (count: number): Promise<unknown> =>
    until(`${count} messages, not only ${bodies().join(' ')}`, LIMIT_MS, () =>
      seen.length >= count ? true : undefined,
    );
  const atMs = (text: string): number => seen.find(({ body }) => body === text)?.atMs ?? 0;

  it('Gantry delivers what waited at Apache, and asks about its transactions', async () => {
    const theirs = await startApache();
    await theirs.setup(['later=DELAY', 'deal=TRANSACTION'], ['readers']);
    const sentMs = Date.now();
    await theirs.sendPending('apache');
    const producer = await producerAt(theirs.endpoint, 'deal');
    const rolled = producer.beginTransaction();
    await producer.send({ topic: 'deal', body: Buffer.from('apache-rolled') }, rolled);
    await closeClients();
    await theirs.stop();
    asked.length = 0;

    const ours = await startOurs();
    await consumeAt(ours.endpoint);
    await producerAt(ours.endpoint, 'deal');
    await untilSeen(3);
    expect(bodies()).toEqual(['apache-level', 'apache-open', 'apache-timer']);
    expect(atMs('apache-level')).toBeGreaterThanOrEqual(sentMs + DELAY_MS);
    expect(atMs('apache-timer')).toBeGreaterThanOrEqual(sentMs + DELAY_MS);
    await until('both to be asked about', LIMIT_MS, () => (asked.length >= 2 ? true : undefined));
    expect([...asked].sort()).toEqual(['apache-open', 'apache-rolled']);
  });

  it('Apache delivers what waited at Gantry, and asks about its transactions', async () => {
    if (gantry === undefined) throw new Error('not running');
    await closeClients();
    seen.length = 0;
    const { endpoint } = gantry;
    const producer = await producerAt(endpoint, 'deal');
    const later = await producerAt(endpoint, 'later');
    const delayed = (body: string, ms: number): Promise<unknown> => {
      const deliveryTimestamp = new Date(Date.now() + ms);
      return later.send({ topic: 'later', body: Buffer.from(body), deliveryTimestamp });
    };
    const sentMs = Date.now();
    await delayed('gantry-soon', DELAY_MS);
    await delayed('gantry-passed', 1000);
    await delayed('gantry-far', 30 * DAY_MS);
    for (const body of ['gantry-open', 'gantry-rolled', 'gantry-committed']) {
      const transaction = producer.beginTransaction();
      await producer.send({ topic: 'deal', body: Buffer.from(body) }, transaction);
      if (body === 'gantry-committed') await transaction.commit();
    }
    await consumeAt(endpoint);
    await untilSeen(2);
    await closeClients();
    expect(bodies()).toEqual(['gantry-committed', 'gantry-passed']);
    expect(await gantry.stop()).toBe(0);
    asked.length = 0;

    const theirs = await startApache();
    await producerAt(theirs.endpoint, 'deal');
    await consumeAt(theirs.endpoint);
    await untilSeen(4);
    expect(bodies()).toEqual(['gantry-committed', 'gantry-open', 'gantry-passed', 'gantry-soon']);
    expect(atMs('gantry-soon')).toBeGreaterThanOrEqual(sentMs + DELAY_MS);
    await until('both to be asked about', LIMIT_MS, () => (asked.length >= 2 ? true : undefined));
    expect([...new Set(asked)].sort()).toEqual(['gantry-open', 'gantry-rolled']);
  });

  it('nothing comes twice after kill -9 of Apache, and what is far away still waits', async () => {
    if (apache === undefined) throw new Error('not running');
    seen.length = 0;
    asked.length = 0;
    await apache.sendPending('again');
    await untilSeen(2);
    await closeClients();
    await apache.kill();

    const ours = await startOurs();
    await consumeAt(ours.endpoint);
    await producerAt(ours.endpoint, 'deal');
    await untilSeen(3);
    expect(asked).toEqual(['again-open']);
    const listed = await runGantry(['delay', 'list', '--endpoint', ours.endpoint]);
    expect(listed).toMatch(/1 in all/);
    await closeClients();
    expect(bodies()).toEqual(['again-level', 'again-open', 'again-timer']);
  });
});
