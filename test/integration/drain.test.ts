import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadService } from '../../src/rpc/protos';
import { Flag, FrameType, readUint32 } from '../../src/rpc/http2/frame';
import { type GantryProcess, startGantry } from '../support/process';
import { RawClient as ApiClient } from '../support/raw-client';
import { within } from '../support/until';
import { frame, message, RawClient, request } from '../unit/rpc/http2/raw-client';

const SEND = '/apache.rocketmq.v2.MessagingService/SendMessage';
const OK = 20000;
const MESSAGE_NOT_FOUND = 40401;
const MAX_STREAM_ID = 0x7fff_ffff;
const RECEIVE = '/apache.rocketmq.v2.MessagingService/ReceiveMessage';
const { SendMessage: sending, ReceiveMessage: receiving } = loadService(
  'apache/rocketmq/v2/service.proto',
  'apache.rocketmq.v2.MessagingService',
);

let folder: string;
let gantry: GantryProcess;

const start = (port?: number): Promise<GantryProcess> =>
  startGantry('start', {
    args: ['--data-dir', folder, '--rpc-transport', 'http2', '--log-level', 'warn'],
    ...(port === undefined ? {} : { port }),
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-drain-'));
  gantry = await start();
});

afterEach(async () => {
  await gantry.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** A SendMessage on this stream. */
function send(streamId: number, topic = 'orders'): Buffer {
  const body = sending?.requestSerialize({
    messages: [
      {
        topic: { name: topic },
        system_properties: { message_id: `message-${streamId}`, message_type: 'NORMAL' },
        body: Buffer.from('body'),
      },
    ],
  });
  if (body === undefined) throw new Error('no SendMessage');
  return Buffer.concat([
    request(streamId, 0, [['x-mq-client-id', 'draining']], SEND),
    message(streamId, body),
  ]);
}

/** A ReceiveMessage on this stream that waits for long. */
function receive(streamId: number): Buffer {
  const body = receiving?.requestSerialize({
    group: { name: 'readers' },
    message_queue: { topic: { name: 'orders' } },
    filter_expression: { type: 'TAG', expression: '*' },
    batch_size: 1,
    invisible_duration: { seconds: 30 },
    long_polling_timeout: { seconds: 20 },
  });
  if (body === undefined) throw new Error('no ReceiveMessage');
  const fields: [string, string][] = [
    ['x-mq-client-id', 'draining'],
    ['grpc-timeout', '60S'],
  ];
  return Buffer.concat([request(streamId, 0, fields, RECEIVE), message(streamId, body)]);
}

/** The status code in the answer on this stream; frames of others before it are passed over. */
async function codeOf(
  client: RawClient,
  streamId: number,
  rpc = sending,
): Promise<number | undefined> {
  const { payload } = await client.next(FrameType.DATA, streamId);
  const answer = rpc?.responseDeserialize(payload.subarray(5)) as { status: { code: number } };
  return answer.status.code;
}

test('a process that ends says GOAWAY twice, and serves all calls that it has not refused', async () => {
  const client = await RawClient.open(gantry.port);
  client.send(send(1));
  expect(await codeOf(client, 1)).toBe(OK);
  const stopped = gantry.stop();
  const first = await within('the first GOAWAY', 10_000, client.next(FrameType.GOAWAY));
  expect(readUint32(first.payload, 0)).toBe(MAX_STREAM_ID);
  const ping = await client.next(FrameType.PING);
  // These were on their way, as far as the server knows.
  const crossing = Array.from({ length: 50 }, (_, index) => 3 + 2 * index);
  for (const id of crossing) client.send(send(id));
  for (const id of crossing) expect(await codeOf(client, id)).toBe(OK);
  client.send(frame(FrameType.PING, Flag.ACK, 0, ping.payload));
  const second = await client.next(FrameType.GOAWAY);
  expect(readUint32(second.payload, 0)).toBe(crossing.at(-1));
  await client.untilClosed();
  expect(await within('the end of the process', 10_000, stopped)).toBe(0);
});

test('a process that ends says GOAWAY before it ends the polls that wait', async () => {
  const client = await RawClient.open(gantry.port);
  client.send(send(1));
  expect(await codeOf(client, 1)).toBe(OK);
  // The poll is under way when a call behind it has been answered.
  client.send(receive(3), send(5, 'others'));
  expect(await codeOf(client, 5)).toBe(OK);
  const stopped = gantry.stop();
  await within('GOAWAY', 10_000, client.next(FrameType.GOAWAY));
  expect(await within('the answer', 10_000, codeOf(client, 3, receiving))).toBe(MESSAGE_NOT_FOUND);
  client.close();
  expect(await within('the end of the process', 20_000, stopped)).toBe(0);
});

test('no call of a client fails when the process is ended under load and started again', async () => {
  const client = new ApiClient(gantry.endpoint, 'loaded', 20_000);
  let sent = 0;
  let enough = false;
  const failures: unknown[] = [];
  const loop = async (name: number): Promise<void> => {
    while (!enough) {
      try {
        const { code } = await client.send('orders', `m-${name}-${sent}`, Buffer.from('body'));
        if (code !== OK) failures.push(code);
        sent++;
      } catch (error) {
        failures.push(error);
        return;
      }
    }
  };
  const loops = Array.from({ length: 16 }, (_, name) => loop(name));
  const more = async (count: number): Promise<void> => {
    const wanted = sent + count;
    while (sent < wanted && failures.length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await within('the load', 10_000, more(200));
  expect(await gantry.stop()).toBe(0);
  gantry = await start(gantry.port);
  await within('the load to go on', 10_000, more(200));
  enough = true;
  await Promise.all(loops);
  client.close();
  expect(failures).toEqual([]);
});
