/**
 * One directory, in turn under Apache RocketMQ 5.5.0 and under Gantry, through orderly stops and kill -9:
 * all that either has written stays there for both, and groups go on where they were.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runGantry, startGantry, type GantryProcess } from '../../support/process';
import { within } from '../../support/until';
import { Collector } from '../support/collector';
import { Driver, type OutgoingMessage, type ReceivedMessage } from '../support/driver';
import { ApacheServer, type ShownMessage } from './support/apache-server';

const TOPICS = ['plain', 'later', 'deal'] as const;
const TYPES = ['plain=NORMAL', 'later=DELAY', 'deal=TRANSACTION'];
const SEGMENT_BYTES = 16 * 1024 * 1024;
const INVISIBLE_MS = 10_000;
/** Receives of one group in one place, the empty ones counted. */
const MAX_RECEIVES = 40;

/** What is compared: all that a consumer sees of a message, its body by its digest. */
function essence(message: ShownMessage): string {
  const { topic, messageId, body, tag, keys, properties } = message;
  const digest = createHash('sha1').update(body, 'base64').digest('hex');
  const text = Buffer.from(body, 'base64').toString('utf8').slice(0, 24);
  return JSON.stringify({ topic, messageId, text, digest, tag, keys, properties });
}

/** What is in `seen` beyond `wanted`; fails when something of `wanted` is not there. */
function beyond(seen: readonly ShownMessage[], wanted: readonly ShownMessage[]): ShownMessage[] {
  const missing = new Map(wanted.map((message) => [essence(message), message]));
  const extra = seen.filter((message) => !missing.delete(essence(message)));
  expect([...missing.keys()]).toEqual([]);
  return extra;
}

const essences = (messages: readonly ShownMessage[]): string[] => messages.map(essence).sort();

describe('a directory in turn under Apache RocketMQ and under Gantry', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-exchange-'));
  const store = join(folder, 'store');
  /** All that must be there, in both. */
  const written: ShownMessage[] = [];
  /** What group `keeper` has not acknowledged yet. */
  const unread = new Map<string, ShownMessage>();
  let driver: Driver;
  /** One for each server: a client is not to outlive the one that it knows. */
  const drivers: Driver[] = [];
  const newDriver = (): void => {
    driver = Driver.start('node');
    drivers.push(driver);
  };
  let apache: ApacheServer | undefined;
  let gantry: GantryProcess | undefined;

  beforeAll(() => {
    mkdirSync(store);
  });

  afterAll(async () => {
    await apache?.kill();
    await gantry?.kill();
    // A client that lost its server may have ended by itself.
    await Promise.all(
      drivers.map((one) => within('the client to end', 10_000, one.stop()).catch(() => undefined)),
    );
    rmSync(folder, { recursive: true, force: true });
  });

  const startApache = async (): Promise<ApacheServer> => {
    const options = { store, folder: join(folder, 'apache'), segmentBytes: SEGMENT_BYTES };
    apache = await ApacheServer.start(options);
    newDriver();
    return apache;
  };

  const startOurs = async (): Promise<GantryProcess> => {
    const sizes = ['--store-segment-bytes', '16MiB', '--broker-name', 'broker-a'];
    const times = ['--receive-min-polling', '1s', '--receive-max-polling', '5s'];
    gantry = await startGantry('start', {
      args: ['--data-dir', store, '--no-auto-create', ...sizes, ...times],
    });
    newDriver();
    return gantry;
  };

  const note = (messages: readonly ShownMessage[]): void => {
    for (const message of messages) {
      written.push(message);
      if (message.topic === 'plain') unread.set(essence(message), message);
    }
  };

  /** Sends a few messages with the gRPC client. */
  const send = async (endpoint: string, prefix: string): Promise<void> => {
    const producer = await driver.producer(endpoint, ['plain']);
    for (let i = 0; i < 6; i++) {
      const body = Buffer.from(`${prefix} ${i} \u4e2d`).toString('base64');
      const message: OutgoingMessage = {
        ...{ topic: 'plain', body, tag: `Tag${i}`, keys: [`${prefix}-${i}`.replaceAll(' ', '-')] },
        properties: { number: `${i}` },
      };
      const messageId = await producer.send(message);
      note([{ tag: '', keys: [], properties: {}, ...message, messageId }]);
    }
    await producer.close();
  };

  /** Group `keeper` takes `count` messages of topic plain; with `rest` that must be all there are. */
  const keep = async (endpoint: string, count: number, rest: boolean): Promise<void> => {
    const consumer = await driver.simple({
      ...{ endpoints: endpoint, group: 'keeper', subscriptions: { plain: '*' }, awaitMs: 3000 },
    });
    let receives = 0;
    for (let taken = 0; taken < count;) {
      if (++receives > MAX_RECEIVES) throw new Error(`${count - taken} messages did not come`);
      const { messages } = await consumer.receive(Math.min(4, count - taken), INVISIBLE_MS);
      for (const message of messages) {
        const key = essence(message);
        if (!unread.delete(key)) throw new Error(`came again, or was never sent: ${key}`);
        await consumer.ack(message);
        taken++;
      }
    }
    if (rest) {
      const { messages } = await consumer.receive(16, INVISIBLE_MS);
      expect(messages.map(essence)).toEqual([]);
      expect([...unread.keys()]).toEqual([]);
    }
    await consumer.close();
  };

  /** Group `holder` takes six messages, acknowledges one, changes one; answers those that it still holds. */
  const hold = async (endpoint: string): Promise<ReceivedMessage[]> => {
    const subscriptions = { plain: '*' };
    const options = { endpoints: endpoint, group: 'holder', subscriptions, awaitMs: 3000 };
    const consumer = await driver.simple(options);
    const taken: ReceivedMessage[] = [];
    for (let i = 0; i < MAX_RECEIVES && taken.length < 6; i++) {
      const { messages } = await consumer.receive(6 - taken.length, 10_000);
      taken.push(...messages);
    }
    const [acknowledged, changed, ...rest] = taken;
    if (acknowledged === undefined || changed === undefined) throw new Error('nothing taken');
    await consumer.ack(acknowledged);
    await consumer.change(changed, 15_000);
    await consumer.close();
    return [changed, ...rest];
  };

  /** What group `holder` held comes again, and then what it never got; what it acknowledged does not. */
  const expectHeld = async (endpoint: string, held: readonly ReceivedMessage[]): Promise<void> => {
    const subscriptions = { plain: '*' };
    const options = { endpoints: endpoint, group: 'holder', subscriptions, awaitMs: 3000 };
    const consumer = await driver.simple(options);
    const collector = new Collector([consumer], { invisibleMs: INVISIBLE_MS, lanes: 1 });
    const all = written.filter(({ topic }) => topic === 'plain');
    await collector.untilSeen(all.length - 1, 40_000);
    await collector.untilEmptyPolls(1, 30_000);
    collector.stop();
    const seen = collector.seen.map(({ message }) => message);
    expect(seen).toHaveLength(all.length - 1);
    const attempts = new Map(seen.map((message) => [essence(message), message.attempt]));
    expect(held.map((message) => attempts.get(essence(message)))).toEqual(held.map(() => 2));
    await consumer.close();
  };

  /** All messages of all topics, through a group that begins at the beginning. */
  const readAllFromOurs = async (
    running: GantryProcess,
    group: string,
  ): Promise<ReceivedMessage[]> => {
    await runGantry(['group', 'create', group, '--from-beginning', '--endpoint', running.endpoint]);
    const subscriptions = Object.fromEntries(TOPICS.map((topic) => [topic, '*']));
    const endpoints = running.endpoint;
    const consumer = await driver.simple({ endpoints, group, subscriptions, awaitMs: 2000 });
    const collector = new Collector([consumer], { invisibleMs: 60_000, lanes: 1 });
    const seen = await collector.untilSeen(written.length, 60_000);
    await collector.untilEmptyPolls(TOPICS.length, 30_000);
    collector.stop();
    return seen.map(({ message }) => message);
  };

  it('Gantry serves what Apache wrote, after an orderly stop, and goes on where the group was', async () => {
    const theirs = await startApache();
    await theirs.setup(TYPES, ['keeper', 'holder']);
    note(await theirs.sendAllKinds('apache-1'));
    await send(theirs.endpoint, 'grpc on apache 1');
    await keep(theirs.endpoint, 5, false);
    const second = ['start', '--host', '127.0.0.1', '--port', '0', '--http-port', '0'];
    await expect(
      runGantry([...second, '--data-dir', store, '--store-segment-bytes', '16MiB']),
    ).rejects.toThrow(/locked by process \d+/);
    const held = await hold(theirs.endpoint);
    await theirs.stop();

    const ours = await startOurs();
    expect(essences(await readAllFromOurs(ours, 'all-1'))).toEqual(essences(written));
    await keep(ours.endpoint, unread.size, true);
    await expectHeld(ours.endpoint, held);
  });

  it('Apache serves what both wrote, after an orderly stop of Gantry', async () => {
    if (gantry === undefined) throw new Error('not running');
    await send(gantry.endpoint, 'gantry 1');
    await keep(gantry.endpoint, 2, false);
    expect(await gantry.stop()).toBe(0);

    const theirs = await startApache();
    expect(essences(await theirs.readAll(TOPICS))).toEqual(essences(written));
    await keep(theirs.endpoint, unread.size, true);
    note(await theirs.sendAllKinds('apache-2'));
    await keep(theirs.endpoint, 3, false);
  });

  it('Gantry serves what both wrote, after kill -9 of Apache', async () => {
    await apache?.kill();
    const ours = await startOurs();
    expect(essences(await readAllFromOurs(ours, 'all-2'))).toEqual(essences(written));
    await send(ours.endpoint, 'gantry 2');
  });

  it('Apache serves what both wrote, after kill -9 of Gantry', async () => {
    await gantry?.kill();
    const theirs = await startApache();
    // What became due in the seconds before its own kill Apache delivers once more.
    const again = beyond(await theirs.readAll(TOPICS), written);
    expect(again.filter(({ topic }) => topic !== 'later')).toEqual([]);
    note(again);
    note(await theirs.sendAllKinds('apache-3'));
    await theirs.stop();
    const ours = await startOurs();
    expect(essences(await readAllFromOurs(ours, 'all-3'))).toEqual(essences(written));
    expect(await ours.stop()).toBe(0);
  });
});
