/**
 * What has not come to an end when a directory changes hands between Apache RocketMQ 5.5.0 and Gantry: delayed
 * messages come at their time, once, and transactions are asked about, on whatever side they began.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runGantry, startGantry, type GantryProcess } from '../../support/process';
import { until } from '../../support/until';
import { Driver } from '../support/driver';
import { type DriverProducer } from '../support/driver-clients';
import { ApacheServer } from './support/apache-server';

const SEGMENT_BYTES = 16 * 1024 * 1024;
const DELAY_MS = 30_000;
const LIMIT_MS = 90_000;
const INVISIBLE_MS = 20_000;
const DAY_MS = 86_400_000;

/** What a consumer got. */
interface Seen {
  readonly body: string;
  readonly atMs: number;
}

describe('what is pending when a directory changes hands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-pending-'));
  const store = join(folder, 'store');
  const seen: Seen[] = [];
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

  /** A producer of a topic that commits what it is asked about. */
  const producerAt = async (endpoints: string, topic: string): Promise<DriverProducer> => {
    const driver = Driver.start('node');
    closing.push(() => driver.stop());
    return driver.producer(endpoints, [topic], 'commit');
  };

  /** A group that takes all that comes, in the background. */
  const consumeAt = async (endpoints: string, group = 'readers'): Promise<void> => {
    const driver = Driver.start('node');
    closing.push(() => driver.stop());
    const subscriptions = { later: '*', deal: '*' };
    const consumer = await driver.simple({
      ...{ endpoints, group, subscriptions, awaitMs: 3000 },
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
    await producer.sendHalf({ topic: 'deal', body: base64('apache-begun') });
    await closeClients();
    await theirs.stop();

    const ours = await startOurs();
    await consumeAt(ours.endpoint);
    const asked = await producerAt(ours.endpoint, 'deal');
    await untilSeen(4);
    expect(bodies()).toEqual(['apache-begun', 'apache-level', 'apache-open', 'apache-timer']);
    expect(atMs('apache-level')).toBeGreaterThanOrEqual(sentMs + DELAY_MS);
    expect(atMs('apache-timer')).toBeGreaterThanOrEqual(sentMs + DELAY_MS);
    expect(asked.checked).toHaveLength(2);
  });

  it('Apache delivers what waited at Gantry, and asks about its transactions', async () => {
    if (gantry === undefined) throw new Error('not running');
    await closeClients();
    const { endpoint } = gantry;
    const later = await producerAt(endpoint, 'later');
    const delayed = async (body: string, ms: number): Promise<number> => {
      const deliverMs = Math.ceil((Date.now() + ms) / 1000) * 1000;
      await later.send({ topic: 'later', body: base64(body), deliverMs });
      return deliverMs;
    };
    const dueMs = await delayed('gantry-soon', DELAY_MS);
    await delayed('gantry-passed', 1000);
    await delayed('gantry-far', 30 * DAY_MS);
    const producer = await producerAt(endpoint, 'deal');
    const half = (body: string): Promise<string> =>
      producer.sendHalf({ topic: 'deal', body: base64(body) });
    await producer.end(await half('gantry-rolled'), 'rollback');
    await producer.end(await half('gantry-committed'), 'commit');
    await consumeAt(endpoint);
    await untilSeen(6);
    await closeClients();
    // Last, and its producer gone at once, so that Gantry does not ask about it by itself.
    const forgetful = await producerAt(endpoint, 'deal');
    await forgetful.sendHalf({ topic: 'deal', body: base64('gantry-open') });
    await closeClients();
    expect(await gantry.stop()).toBe(0);

    const theirs = await startApache();
    const asked = await producerAt(theirs.endpoint, 'deal');
    await consumeAt(theirs.endpoint);
    await untilSeen(8);
    expect(bodies().filter((body) => body.startsWith('gantry'))).toEqual(
      ['committed', 'open', 'passed', 'soon'].map((name) => `gantry-${name}`),
    );
    expect(atMs('gantry-soon')).toBeGreaterThanOrEqual(dueMs);
    expect(asked.checked.map(({ message }) => message.body)).toEqual([base64('gantry-open')]);
  });

  it('nothing comes twice after kill -9 of Apache, and what is far away still waits', async () => {
    if (apache === undefined) throw new Error('not running');
    await apache.sendPending('again');
    await untilSeen(10);
    const before = bodies();
    await closeClients();
    await apache.kill();

    // A group that sees all that was ever delivered.
    const ours = await startOurs();
    await runGantry(['group', 'create', 'all', '--from-beginning', '--endpoint', ours.endpoint]);
    seen.length = 0;
    await consumeAt(ours.endpoint, 'all');
    await producerAt(ours.endpoint, 'deal');
    await untilSeen(before.length + 1);
    expect(bodies()).toEqual([...before, 'again-open'].sort());
    const listed = await runGantry(['delay', 'list', '--endpoint', ours.endpoint]);
    expect(listed).toMatch(/1 in all/);
    await closeClients();
  });
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
