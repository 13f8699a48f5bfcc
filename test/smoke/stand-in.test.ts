import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code } from '../../src/message/status';
import { Driver } from '../interop/support/driver';
import type { DriverSimple } from '../interop/support/driver-clients';
import { metricOf } from '../support/metric';
import { freePort, type GantryProcess, runGantry, startGantry } from '../support/process';
import { until } from '../support/until';

const LIMIT_MS = 60_000;
const INVISIBLE_MS = 10_000;

function bodies(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `m${from + i}`);
}

describe('a broker whose roles are configured, while its master is away', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-stand-in-'));
  const processes: GantryProcess[] = [];
  let driver: Driver;
  let joins: readonly string[] = [];

  async function run(starting: Promise<GantryProcess>): Promise<GantryProcess> {
    const started = await starting;
    processes.push(started);
    return started;
  }

  function startBroker(id: number, port: number, role: readonly string[]): Promise<GantryProcess> {
    const place = ['--data-dir', join(folder, `${id}`), '--broker-replica-id', `${id}`];
    const group = ['--replication-mode', 'static', '--replication-role', ...role];
    const args = [...place, ...group, '--replication-stand-in', '2s', ...joins];
    return run(startGantry('broker', { args, port }));
  }

  /** Receives and acknowledges until it has had so many; answers their bodies. */
  async function consume(consumer: DriverSimple, count: number): Promise<string[]> {
    const had: string[] = [];
    await until(`${count} messages`, LIMIT_MS, async () => {
      const { messages } = await consumer
        .receive(count - had.length, INVISIBLE_MS)
        .catch(() => ({ messages: [] }));
      for (const message of messages) {
        await consumer.ack(message);
        had.push(Buffer.from(message.body, 'base64').toString());
      }
      return had.length >= count ? true : undefined;
    });
    return had;
  }

  beforeAll(async () => {
    const namesrv = await run(startGantry('namesrv'));
    joins = ['--namesrv', namesrv.endpoint];
    driver = Driver.start('node');
  }, LIMIT_MS);

  afterAll(async () => {
    await driver.stop();
    for (const running of processes.toReversed()) await running.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is served by its replica, and what is acknowledged there does not come back', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const master = await startBroker(0, port, ['master']);
    const replica = await startBroker(1, other, [
      'replica',
      '--replication-master',
      `127.0.0.1:${port}`,
    ]);
    const proxy = await run(startGantry('proxy', { args: joins }));
    const at = ['--endpoint', proxy.endpoint];
    await runGantry(['topic', 'create', 'orders', '--queues', '2', ...at]);
    await runGantry(['group', 'create', 'readers', '--from-beginning', ...at]);
    const consumer = await driver.simple({
      ...{ endpoints: proxy.endpoint, group: 'readers', subscriptions: { orders: '*' } },
      awaitMs: 5000,
    });
    const producer = await driver.producer(proxy.endpoint, ['orders']);
    const send = (body: string): Promise<string> =>
      producer.send({ topic: 'orders', body: Buffer.from(body).toString('base64') });
    await Promise.all(bodies(0, 20).map(send));
    const first = await consume(consumer, 5);

    const endOf = (of: GantryProcess, what: string): Promise<number> =>
      metricOf(of, `gantry_broker_log_${what}_bytes`);
    await until('the replica to know that it has all', LIMIT_MS, async () => {
      const end = await endOf(master, 'end');
      return (await endOf(replica, 'confirmed')) === end ? true : undefined;
    });
    await master.kill();
    const second = await consume(consumer, 5);
    const rows = await runGantry(['cluster', 'brokers', ...at]);
    expect(rows).toContain('stand-in');
    await expect(send('refused')).rejects.toMatchObject({
      code: Code.HA_NOT_AVAILABLE,
      message: expect.stringContaining('the master of broker-a is away') as string,
    });

    await startBroker(0, port, ['master']);
    const third = await consume(consumer, 10);
    expect([...first, ...second, ...third].toSorted()).toEqual(bodies(0, 20).toSorted());
    await until('nothing more', LIMIT_MS, async () => {
      const { messages } = await consumer.receive(10, INVISIBLE_MS);
      expect(messages).toEqual([]);
      return true;
    });
    await send('taken');
    expect(await consume(consumer, 1)).toEqual(['taken']);
    expect(await runGantry(['cluster', 'brokers', ...at])).not.toContain('stand-in');
  }, 180_000);
});
