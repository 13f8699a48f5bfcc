import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStandalone, type LibraryOptions } from '../../src';
import { RawClient } from '../support/raw-client';

describe('a broker inside a test', () => {
  it('serves on a free port, from memory, and stops', async () => {
    const gantry = await startStandalone({ topics: ['orders'], httpPort: 0 });
    const answer = await fetch(`http://${gantry.httpEndpoint}/ready`);
    expect(answer.status).toBe(200);
    await gantry.stop();
    await expect(fetch(`http://${gantry.httpEndpoint}/ready`)).rejects.toThrow();
  });

  it('is served by the transport that is asked for, by its options or the environment', async () => {
    // Our own HTTP/2 answers HTTP/1 with a line, grpc-js does not.
    const answersHttp1 = async (options: LibraryOptions): Promise<boolean> => {
      const gantry = await startStandalone(options);
      const answer = await fetch(`http://${gantry.endpoint}/`).then(
        ({ status }) => status,
        () => undefined,
      );
      await gantry.stop();
      return answer === 505;
    };
    const before = process.env['GANTRY_RPC_TRANSPORT'];
    try {
      delete process.env['GANTRY_RPC_TRANSPORT'];
      expect(await answersHttp1({})).toBe(true);
      process.env['GANTRY_RPC_TRANSPORT'] = 'grpc-js';
      expect(await answersHttp1({})).toBe(false);
      expect(await answersHttp1({ rpc: { transport: 'http2' } })).toBe(true);
      process.env['GANTRY_RPC_TRANSPORT'] = 'http3';
      await expect(startStandalone()).rejects.toThrow(/must be http2 or grpc-js, got http3/);
    } finally {
      if (before === undefined) delete process.env['GANTRY_RPC_TRANSPORT'];
      else process.env['GANTRY_RPC_TRANSPORT'] = before;
    }
  });

  it('lets two run side by side', async () => {
    const [one, two] = await Promise.all([startStandalone(), startStandalone()]);
    expect(one.endpoint).not.toBe(two.endpoint);
    await Promise.all([one.stop(), two.stop()]);
  });

  it('makes the topics that it is told of, and adds queues that are missing at a later start', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'gantry-library-'));
    const queuesOf = async (queues: number): Promise<number> => {
      const topics = [{ name: 'orders', type: 'FIFO', queues }] as const;
      const gantry = await startStandalone({ dataDir, topics });
      const client = new RawClient(gantry.endpoint, 'client-1');
      const route = await client.queryRoute('orders');
      client.close();
      await gantry.stop();
      return route.queues.length;
    };
    try {
      expect(await queuesOf(1)).toBe(1);
      expect(await queuesOf(4)).toBe(4);
      expect(await queuesOf(2)).toBe(4);
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('keeps messages in a directory from one start to the next, for groups that know the topic', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'gantry-library-'));
    const options = { dataDir, topics: ['orders'], minInvisibleMs: 1000 };
    try {
      const first = await startStandalone(options);
      const client = new RawClient(first.endpoint, 'client-1');
      const leave = await client.subscribe('readers', 'orders');
      await client.send('orders', 'm1', Buffer.from('kept'));
      leave();
      client.close();
      await first.stop();
      const second = await startStandalone(options);
      const again = new RawClient(second.endpoint, 'client-1');
      const [queue] = (await again.queryRoute('orders')).queues;
      if (queue === undefined) throw new Error('no queue');
      const { messages } = await again.receive({
        group: 'readers',
        topic: 'orders',
        queue,
        batchSize: 16,
        invisibleMs: 10_000,
        pollMs: 5000,
      });
      expect(messages.map(({ body }) => body.toString())).toEqual(['kept']);
      again.close();
      await second.stop();
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
