import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Producer, SimpleConsumer } from 'rocketmq-client-nodejs';
import { runGantry, startGantry } from '../support/process';

/** `TransactionResolution` of the API. */
const COMMIT = 1;

describe('the official Node client', () => {
  it('commits, rolls back, and is asked about a transaction that it forgot', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gantry-transactions-'));
    const times = ['--transactions-first-check', '1s', '--receive-min-polling', '1s'];
    const running = await startGantry('start', {
      args: ['--data-dir', folder, '--no-auto-create', '--log-level', 'warn', ...times],
    });
    const { endpoint: endpoints } = running;
    const at = ['--endpoint', endpoints];
    await runGantry(['topic', 'create', 'orders', '--type', 'transaction', ...at]);
    await runGantry(['group', 'create', 'readers', '--from-beginning', ...at]);
    const asked: string[] = [];
    const checker = {
      check: async (message: { readonly body: Buffer }) => {
        asked.push(message.body.toString());
        return COMMIT;
      },
    };
    const producer = new Producer({ endpoints, namespace: '', topic: 'orders', checker });
    const subscriptions = new Map([['orders', '*']]);
    const consumer = new SimpleConsumer({
      ...{ endpoints, namespace: '', consumerGroup: 'readers', subscriptions },
      awaitDuration: 2000,
    });
    try {
      await producer.startup();
      await consumer.startup();
      for (const end of ['commit', 'rollback', 'forget'] as const) {
        const transaction = producer.beginTransaction();
        await producer.send({ topic: 'orders', body: Buffer.from(end) }, transaction);
        if (end !== 'forget') await transaction[end]();
      }
      const seen: string[] = [];
      for (let i = 0; i < 6 && seen.length < 2; i++) {
        for (const message of await consumer.receive(10)) {
          seen.push(message.body.toString());
          await consumer.ack(message);
        }
      }
      expect(seen).toEqual(['commit', 'forget']);
      expect(asked).toEqual(['forget']);
    } finally {
      await consumer.shutdown();
      await producer.shutdown();
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 30_000);
});
