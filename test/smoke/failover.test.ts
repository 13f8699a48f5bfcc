import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelEtcd } from '../support/model-etcd';
import { type GantryProcess, runGantry, startGantry } from '../support/process';
import { until } from '../support/until';

const LIMIT_MS = 60_000;
const IDS = [0, 1, 2] as const;

interface GroupStatus {
  readonly replicaId: number;
  readonly epoch: number;
  readonly inSync: readonly number[];
}

describe('brokers of one name with a lease in etcd', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-failover-'));
  const etcd = new ModelEtcd();
  const brokers = new Map<number, GantryProcess>();
  const others: GantryProcess[] = [];
  let joins: readonly string[] = [];
  let at: readonly string[] = [];

  async function startBroker(id: number): Promise<GantryProcess> {
    const place = ['--data-dir', join(folder, `${id}`), '--broker-replica-id', `${id}`];
    const group = ['--replication-mode', 'etcd', '--replication-ack', 'sync', ...joins];
    const started = await startGantry('broker', { args: [...place, ...group] });
    brokers.set(id, started);
    return started;
  }

  /** What the group's master says, when it has one and this is true of it. */
  function status(what: string, holds: (group: GroupStatus) => boolean): Promise<GroupStatus> {
    return until(what, LIMIT_MS, async () => {
      const text = await runGantry(['cluster', 'status', '-o', 'json', ...at]).catch(() => '{}');
      const { groups } = JSON.parse(text) as { groups?: { status?: GroupStatus }[] };
      const group = groups?.[0]?.status;
      return group !== undefined && holds(group) ? group : undefined;
    });
  }

  function send(body: string): Promise<string> {
    return runGantry(['send', 'orders', '--body', body, ...at]);
  }

  beforeAll(async () => {
    const endpoint = await etcd.start();
    const namesrv = await startGantry('namesrv');
    joins = ['--namesrv', namesrv.endpoint, '--etcd-endpoints', endpoint];
    others.push(namesrv, await startGantry('proxy', { args: joins.slice(0, 2) }));
    at = ['--endpoint', others.at(-1)?.endpoint ?? ''];
    await Promise.all(IDS.map(startBroker));
  }, LIMIT_MS);

  afterAll(async () => {
    for (const running of [...brokers.values(), ...others.toReversed()]) await running.kill();
    await etcd.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('have one master after another, and lose nothing that was answered OK', async () => {
    const first = await status('three in sync', ({ inSync }) => inSync.length === 3);
    await runGantry(['topic', 'create', 'orders', '--queues', '1', ...at]);
    await send('before the kill');

    await brokers.get(first.replicaId)?.kill();
    const second = await status('another master', ({ epoch }) => epoch > first.epoch);
    expect(second.replicaId).not.toBe(first.replicaId);
    await send('after the kill');
    await startBroker(first.replicaId);
    await status('the old master in sync', ({ inSync }) => inSync.length === 3);

    const to = ['--to', `${first.replicaId}`];
    await runGantry(['cluster', 'failover', 'broker-a', ...to, ...at]);
    const named = await status('the named master', ({ epoch }) => epoch > second.epoch);
    expect(named.replicaId).toBe(first.replicaId);
    await status('all in sync with it', ({ inSync }) => inSync.length === 3);

    await brokers.get(named.replicaId)?.stop();
    const last = await status('the last master', ({ epoch }) => epoch > named.epoch);
    expect(last.inSync).not.toContain(named.replicaId);
    await send('after the stop');

    const bodies = new Set<string>();
    await until('all messages', LIMIT_MS, async () => {
      const args = ['receive', 'orders', '--group', 'readers', '--from-beginning', '-o', 'json'];
      const text = await runGantry([...args, ...at]).catch(() => '');
      for (const [, body] of text.matchAll(/"(before the kill|after the (?:kill|stop))"/g)) {
        bodies.add(body ?? '');
      }
      return bodies.size === 3 ? true : undefined;
    });

    const known = JSON.parse(await runGantry(['cluster', 'brokers', '-o', 'json', ...at])) as {
      readonly brokers: readonly { readonly brokerId: number }[];
    };
    const followers = IDS.filter((id) => id !== last.replicaId && id !== named.replicaId);
    expect(known.brokers.map(({ brokerId }) => brokerId)).toEqual([
      0,
      ...followers.map((id) => id + 1),
    ]);
  }, 180_000);
});
