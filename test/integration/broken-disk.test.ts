import pino from 'pino';
import { DEFAULT_RPC_OPTIONS } from '../../src/assembly/rpc-options';
import { startStandalone } from '../../src/assembly/start-standalone';
import { nodePlatform } from '../../src/platform/node-platform';
import { RawClient } from '../support/raw-client';
import { testTransport } from '../support/transport';
import { FaultyDisk } from '../unit/store/support/faulty-disk';

const SECOND = 1000;

it('a broker whose disk fails answers no OK any more, and says why in the status and in readiness', async () => {
  const disk = new FaultyDisk();
  const running = await startStandalone(
    {
      host: '127.0.0.1',
      port: 0,
      httpPort: 0,
      dataDir: '/gantry',
      flush: 'sync',
      store: {
        segmentBytes: 8 * 1024 * 1024,
        retention: { ageMs: 3600 * SECOND, hour: 4 },
        disk: { warn: 75, clean: 85, refuse: 90 },
        index: { enabled: true, slots: 1000, entries: 4000 },
      },
      topics: { autoCreate: true, create: [{ name: 'orders', type: 'NORMAL', queues: 1 }] },
      groups: { autoCreate: true },
      broker: { name: 'broker-a', cluster: 'DefaultCluster' },
      advertise: '',
      receive: {
        minInvisibleMs: SECOND,
        maxInvisibleMs: 3600 * SECOND,
        minPollingMs: 0,
        maxPollingMs: 20 * SECOND,
      },
      admin: { listen: 'loopback' },
      shutdown: { graceMs: SECOND },
      rpc: { ...DEFAULT_RPC_OPTIONS, transport: testTransport() },
      tls: { mode: 'disabled', certificate: '', key: '', clientCa: '' },
    },
    { platform: { ...nodePlatform(), files: disk }, logger: pino({ level: 'silent' }) },
  );
  const client = new RawClient(running.endpoints['grpc'] ?? '', 'client-1');
  const ready = async (): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`http://${running.endpoints['http']}/ready`);
    return { status: answer.status, text: await answer.text() };
  };
  try {
    await client.send('orders', 'm1', Buffer.from('kept'));
    expect((await ready()).status).toBe(200);
    const mend = disk.fail('datasync', /commitlog/, 'EIO');
    const lost = await client.send('orders', 'm2', Buffer.from('lost'));
    mend();
    const refused = await client.send('orders', 'm3', Buffer.from('refused'));
    for (const status of [lost, refused]) {
      expect(status).toMatchObject({
        code: 50001,
        message: expect.stringContaining('EIO') as string,
      });
    }
    expect(refused.message).toContain('read-only');
    const { status, text } = await ready();
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({
      parts: { store: false },
      reasons: { store: expect.stringContaining('EIO') as string },
    });
  } finally {
    client.close();
    await running.stop().catch(() => undefined);
  }
});
