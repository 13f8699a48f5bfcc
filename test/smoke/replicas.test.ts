import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type GantryProcess, runGantry, startGantry } from '../support/process';
import { until } from '../support/until';

const LIMIT_MS = 60_000;

describe('a broker and its replica, their roles by configuration', () => {
  it('lose no message that was answered OK when the master is killed and the replica restarted as master', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gantry-replicas-'));
    const processes: GantryProcess[] = [];
    const run = async (starting: Promise<GantryProcess>): Promise<GantryProcess> => {
      const started = await starting;
      processes.push(started);
      return started;
    };
    try {
      const namesrv = await run(startGantry('namesrv'));
      const joins = ['--namesrv', namesrv.endpoint];
      const ports = [await freePort(), await freePort()];
      /** Starts a replica as master, or as follower of the other one. */
      const start = (id: 0 | 1, role: 'master' | 'replica'): Promise<GantryProcess> => {
        const place = ['--data-dir', join(folder, `${id}`), '--broker-replica-id', `${id}`];
        const group = ['--replication-mode', 'static', '--replication-role', role, ...joins];
        const master =
          role === 'master' ? [] : ['--replication-master', `127.0.0.1:${ports[1 - id]}`];
        const sync = ['--flush', 'sync', '--replication-ack', 'sync'];
        const args = [...place, ...group, ...master, ...sync];
        return run(startGantry('broker', { args, port: ports[id] ?? 0 }));
      };
      const master = await start(0, 'master');
      const replica = await start(1, 'replica');
      const proxy = await run(startGantry('proxy', { args: joins }));
      const at = ['--endpoint', proxy.endpoint];
      const json = async (...args: string[]): Promise<unknown> =>
        JSON.parse(await runGantry([...args, '-o', 'json', ...at])) as unknown;
      const inSync = (count: number): Promise<true> =>
        until(`${count} in sync`, LIMIT_MS, async () => {
          const text = JSON.stringify(await json('cluster', 'status').catch(() => ''));
          return text.includes(count === 2 ? '"inSync":[0,1]' : '"inSync":[1]') ? true : undefined;
        });
      await runGantry(['topic', 'create', 'orders', '--queues', '1', ...at]);
      await inSync(2);
      await runGantry(['send', 'orders', '--body', 'kept', ...at]);
      await master.kill();
      await replica.stop();
      await start(1, 'master');
      await inSync(1);
      const received = await until('the message', LIMIT_MS, async () => {
        const text = await runGantry(
          ['receive', 'orders', '--group', 'readers', '--from-beginning', '-o', 'json'].concat(at),
        ).catch(() => '');
        return text.includes('kept') ? text : undefined;
      });
      expect(received).toContain('kept');
      await start(0, 'replica');
      await until('both in sync', LIMIT_MS, async () => {
        const text = JSON.stringify(await json('cluster', 'status').catch(() => ''));
        return /"inSync":\[(0,1|1,0)\]/.test(text) ? true : undefined;
      });
    } finally {
      for (const running of processes.toReversed()) await running.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 180_000);
});
