/** What clients are answered under `replication.ack: sync`, by real processes that are stopped, killed and started again. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from '../../src/message/status';
import type { SystemProperties } from '../../src/rpc/generated/apache/rocketmq/v2/SystemProperties';
import { metricOf } from '../support/metric';
import { freePort, type GantryProcess, runGantry, startGantry } from '../support/process';
import { message, receiveRequest } from '../support/public-client';
import { RawCalls, type Status } from '../support/raw-calls';
import { until } from '../support/until';

const LIMIT_MS = 30_000;
const COMMIT = 1;
const LOG_FILE = join('commitlog', '00000000000000000000');

let folder: string;
let master: GantryProcess;
let replica: GantryProcess;
let client: RawCalls;
let startReplica: () => Promise<GantryProcess>;
const running: GantryProcess[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-sync-'));
  const run = async (starting: Promise<GantryProcess>): Promise<GantryProcess> => {
    const started = await starting;
    running.push(started);
    return started;
  };
  const namesrv = await run(startGantry('namesrv'));
  const joins = ['--namesrv', namesrv.endpoint];
  const sync = ['--replication-ack', 'sync', '--replication-min-in-sync', '2'];
  const times = ['--replication-ack-timeout', '1s', '--replication-lag', '60s'];
  const broker = (id: number, port: number, ...role: readonly string[]): Promise<GantryProcess> => {
    const place = ['--data-dir', join(folder, `${id}`), '--broker-replica-id', `${id}`];
    const group = ['--replication-mode', 'static', '--replication-role', ...role];
    const args = [...joins, ...place, ...group, ...sync, ...times];
    return run(startGantry('broker', { port, args: [...args, '--store-segment-bytes', '8MiB'] }));
  };
  const [masterPort, replicaPort] = [await freePort(), await freePort()];
  master = await broker(0, masterPort, 'master');
  startReplica = () =>
    broker(1, replicaPort, 'replica', '--replication-master', `127.0.0.1:${masterPort}`);
  replica = await startReplica();
  const proxy = await run(startGantry('proxy', { args: joins }));
  client = new RawCalls(proxy.endpoint);
  await inSync(2);
  for (const type of ['normal', 'fifo', 'delay', 'transaction']) {
    const args = ['topic', 'create', type, '--type', type.toUpperCase(), '--queues', '1'];
    await runGantry([...args, '--endpoint', proxy.endpoint]);
  }
}, 120_000);

afterAll(async () => {
  client.close();
  for (const gantry of running.toReversed()) await gantry.kill();
  rmSync(folder, { recursive: true, force: true });
});

const END = 'gantry_broker_log_end_bytes';

const inSync = (count: number): Promise<true> =>
  until(`${count} in sync`, LIMIT_MS, async () =>
    (await metricOf(master, 'gantry_broker_in_sync_replicas')) === count ? true : undefined,
  );

async function send(topic: string, id: string, system?: SystemProperties): Promise<Status> {
  return client.status('SendMessage', { messages: [message(topic, id, system)] });
}

/** A write of each kind that says OK only when the replica has it. */
async function writes(suffix: string, handle: string): Promise<readonly Status[]> {
  const names = { topic: { name: 'normal' }, group: { name: 'g' } };
  const dueSeconds = Math.floor(Date.now() / 1000) + 600;
  const batch = ['b1', 'b2'].map((id) => message('normal', `${id}${suffix}`));
  return Promise.all([
    send('normal', `m${suffix}`),
    client.status('SendMessage', { messages: batch }),
    send('fifo', `f${suffix}`, { message_type: 2, message_group: 'one' }),
    send('delay', `d${suffix}`, {
      message_type: 3,
      delivery_timestamp: { seconds: dueSeconds, nanos: 0 },
    }),
    send('transaction', `t${suffix}`, { message_type: 4 }),
    client.status('EndTransaction', {
      ...{ topic: { name: 'transaction' }, message_id: 'half', transaction_id: 'half' },
      resolution: COMMIT,
    }),
    client.status('ChangeInvisibleDuration', {
      ...{ ...names, receipt_handle: handle, message_id: 'held' },
      invisible_duration: { seconds: 60, nanos: 0 },
    }),
  ]);
}

const codes = (statuses: readonly Status[]): readonly number[] => statuses.map(({ code }) => code);

async function receive(): Promise<{ readonly ids: readonly string[]; readonly handle: string }> {
  const received = await client.receive(receiveRequest('g', 'normal'));
  return { ids: received.ids, handle: received.handles[0] ?? '' };
}

/** Messages of topic `normal` that consumers may see. */
async function visible(): Promise<number> {
  const message_queue = { topic: { name: 'normal' }, id: 0, broker: { name: 'broker-a' } };
  const { offset } = await client.unary('QueryOffset', { message_queue, query_offset_policy: 1 });
  return offset;
}

test('writes wait for the replica; they are refused without it, and go on with it', async () => {
  await receive();
  expect(codes([await send('normal', 'held')])).toEqual([Code.OK]);
  const { handle } = await until('the message', LIMIT_MS, async () => {
    const received = await receive();
    return received.ids.includes('held') ? received : undefined;
  });
  expect(codes([await send('transaction', 'half', { message_type: 4 })])).toEqual([Code.OK]);

  process.kill(replica.pid, 'SIGSTOP');
  const late = await writes('1', handle);
  expect(new Set(codes(late))).toEqual(new Set([Code.SLAVE_PERSISTENCE_TIMEOUT]));
  expect(late[0]?.message).toBe('stored, but not all replicas in sync have it after 1000 ms');
  expect(await visible()).toBe(1);

  await inSync(1);
  const end = await metricOf(master, END);
  const refused = await send('normal', 'm2');
  expect(refused).toEqual({
    code: Code.INTERNAL_SERVER_ERROR,
    message:
      'the message was not stored: 1 replica is in sync, the master counted, replication.minInSync is 2',
  });
  expect(await metricOf(master, END)).toBe(end);

  process.kill(replica.pid, 'SIGCONT');
  await inSync(2);
  expect(codes([await send('normal', 'm1'), await send('normal', 'm2')])).toEqual([
    Code.OK,
    Code.OK,
  ]);
  const found = new Set<string>();
  await until('all messages, each once', LIMIT_MS, async () => {
    for (const id of (await receive()).ids) {
      if (found.has(id)) throw new Error(`${id} came twice`);
      found.add(id);
    }
    return ['m1', 'b11', 'b21', 'm2'].every((id) => found.has(id)) ? true : undefined;
  });

  await replica.kill();
  const alone = await send('normal', 'm3');
  expect(alone.code).toBe(Code.HA_NOT_AVAILABLE);
  expect(alone.message).toMatch(/^stored, but /);
  replica = await startReplica();
  await inSync(2);
  expect((await send('normal', 'm3')).code).toBe(Code.OK);
}, 120_000);

test('a replica that is killed in the middle of the stream comes to the same log, byte for byte', async () => {
  const body = Buffer.alloc(100_000, 'x');
  let sent = 0;
  const load = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) {
      const messages = [{ ...message('normal', `load${sent++}`), body }];
      await client.status('SendMessage', { messages });
    }
  };
  for (let round = 0; round < 2; round++) {
    const loading = load();
    const before = await metricOf(replica, END);
    await until('log bytes', LIMIT_MS, async () =>
      (await metricOf(replica, END)) > before + 1_000_000 ? true : undefined,
    );
    await replica.kill();
    replica = await startReplica();
    await loading;
    await inSync(2);
  }
  const end = await metricOf(master, END);
  await until('the end', LIMIT_MS, async () =>
    (await metricOf(replica, END)) >= end ? true : undefined,
  );
  const log = (id: number): Buffer =>
    readFileSync(join(folder, `${id}`, LOG_FILE)).subarray(0, end);
  expect(log(1).equals(log(0))).toBe(true);
}, 120_000);
