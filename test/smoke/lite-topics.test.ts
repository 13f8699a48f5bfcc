import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from '../../src/message/status';
import { type GantryProcess, runGantry, startGantry } from '../support/process';
import { message, receiveRequest } from '../support/public-client';
import { RawCalls, type Received } from '../support/raw-calls';
import { until } from '../support/until';

const [ADD, SET] = [0, 2] as const;
const LITE_PUSH_CONSUMER = 5;
const GROUP = 'bots';

let folder: string;
let running: GantryProcess;
let client: RawCalls;

/** A process on the same directory, and a client of it. */
async function start(): Promise<void> {
  const times = ['--receive-min-polling', '0ms', '--receive-max-polling', '1s'];
  running = await startGantry('start', {
    args: ['--data-dir', folder, '--no-auto-create', '--log-level', 'warn', ...times],
  });
  client = new RawCalls(running.endpoint, 'one');
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-lite-'));
  await start();
});
afterEach(async () => {
  client.close();
  await running.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function sync(topic: string, action: 0 | 2, ...names: readonly string[]): Promise<void> {
  const request = { topic: { name: topic }, group: { name: GROUP }, action };
  const sent = { ...request, lite_topic_set: [...names] };
  expect((await client.status('SyncLiteSubscription', sent)).code).toBe(Code.OK);
}

/** Sends messages named `LITE-...`, each to the lite topic that its name begins with. */
async function send(topic: string, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const messages = [message(topic, id, { lite_topic: id.split('-')[0] ?? '' })];
    expect((await client.status('SendMessage', { messages })).code).toBe(Code.OK);
  }
}

const receive = (topic: string, batch_size = 32): Promise<Received> =>
  client.receive(
    receiveRequest(GROUP, topic, { batch_size, long_polling_timeout: { seconds: 0 } }),
  );

async function ack(topic: string, received: Received): Promise<number> {
  const entries = received.messages.map(({ system_properties: system }) => ({
    message_id: system?.message_id ?? '',
    receipt_handle: system?.receipt_handle ?? '',
  }));
  const names = { group: { name: GROUP }, topic: { name: topic } };
  return (await client.status('AckMessage', { ...names, entries })).code;
}

describe('lite topics of a real process', () => {
  it('lose nothing and keep their order when it is killed', async () => {
    const topic = 'chats';
    await runGantry(['topic', 'create', topic, '--type', 'lite', '--endpoint', running.endpoint]);
    await sync(topic, ADD, 'a', 'b', 'c');
    await send(topic, 'a-1', 'a-2', 'a-3', 'b-1', 'b-2');
    const finished = await receive(topic, 1);
    expect(await ack(topic, finished)).toBe(Code.OK);
    const held = await receive(topic, 1);
    await running.kill();
    client.close();
    await start();
    expect((await receive(topic)).ids).toEqual([]);
    await sync(topic, SET, 'a', 'b', 'c');
    await send(topic, 'c-1');
    // What is held holds up its lite topic, and can still be acknowledged.
    expect(await ack(topic, held)).toBe(Code.OK);
    const seen: string[] = [];
    const rest = await until('the rest', 10_000, async () => {
      const received = await receive(topic);
      seen.push(...received.ids);
      if (received.ids.length > 0) expect(await ack(topic, received)).toBe(Code.OK);
      return seen.length >= 4 ? seen : undefined;
    });
    const all = [...finished.ids, ...held.ids, ...rest];
    expect(all.filter((id) => id.startsWith('a'))).toEqual(['a-1', 'a-2', 'a-3']);
    expect(all.filter((id) => id.startsWith('b'))).toEqual(['b-1', 'b-2']);
    expect(all.filter((id) => id.startsWith('c'))).toEqual(['c-1']);
  }, 60_000);

  it('go when nobody uses them, and their client is told', async () => {
    const topic = 'short';
    const options = ['--type', 'lite', '--lite-idle', '1s', '--endpoint', running.endpoint];
    await runGantry(['topic', 'create', topic, ...options]);
    const stream = client.telemetry();
    await stream.settings({
      client_type: LITE_PUSH_CONSUMER,
      subscription: {
        group: { name: GROUP },
        subscriptions: [{ topic: { name: topic }, expression: { expression: '*' } }],
      },
    });
    await sync(topic, ADD, 'a');
    await send(topic, 'a-1');
    const next = stream.next();
    let told = false;
    void next.then(() => (told = true));
    await until('the command', 15_000, async () => {
      // As clients do every 30 seconds.
      await sync(topic, SET, 'a');
      return told ? true : undefined;
    });
    expect((await next).notify_unsubscribe_lite_command).toEqual({ lite_topic: 'a' });
    expect((await receive(topic)).ids).toEqual([]);
    await stream.end();
  }, 60_000);
});
