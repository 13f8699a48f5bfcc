/** The ways to run Gantry that are compared, each a set of processes on loopback. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GantryProcess, type Role, runGantry, startGantry } from '../../support/process';
import { until } from '../../support/until';

export const TOPIC = 'bench-split';

export interface Target {
  readonly name: string;
  readonly endpoints: readonly string[];
  /** Those whose CPU counts; the name server has no part in a message. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  stop(): Promise<void>;
}

/** Everything in one process. */
export function standalone(flush: string): Promise<Target> {
  return target('standalone', async (start, folder) => {
    const all = await start('start', ['--data-dir', folder, '--flush', flush]);
    return { endpoints: [all.endpoint], processes: [{ name: 'all', pid: all.pid }] };
  });
}

/** A name server, a broker, and so many proxies. */
export function split(flush: string, proxies: number): Promise<Target> {
  return target(`broker, ${proxies} proxies`, async (start, folder) => {
    const joins = ['--namesrv', (await start('namesrv', [])).endpoint];
    const broker = await start('broker', ['--data-dir', folder, '--flush', flush, ...joins]);
    const fronts: GantryProcess[] = [];
    for (let i = 0; i < proxies; i++) fronts.push(await start('proxy', joins));
    return {
      endpoints: fronts.map(({ endpoint }) => endpoint),
      processes: [
        { name: 'broker', pid: broker.pid },
        ...fronts.map(({ pid }, i) => ({ name: `proxy ${i + 1}`, pid })),
      ],
    };
  });
}

/** A name server, a proxy, and a broker with one replica, their roles by configuration. */
export function replicated(flush: string, ack: 'async' | 'sync'): Promise<Target> {
  return target(`broker, replica (${ack}), 1 proxy`, async (start, folder) => {
    const joins = ['--namesrv', (await start('namesrv', [])).endpoint];
    const broker = (replicaId: number, more: readonly string[]): Promise<GantryProcess> => {
      const place = ['--data-dir', join(folder, `${replicaId}`), '--flush', flush, ...joins];
      const group = ['--broker-replica-id', `${replicaId}`, '--replication-ack', ack];
      return start('broker', [...place, ...group, '--replication-mode', 'static', ...more]);
    };
    const master = await broker(0, ['--replication-role', 'master']);
    const follows = ['--replication-role', 'replica', '--replication-master', master.endpoint];
    const replica = await broker(1, follows);
    const proxy = await start('proxy', joins);
    await until('the replica in sync', IN_SYNC_MS, async () => {
      const status = await runGantry(
        ['cluster', 'status', '-o', 'json', '--endpoint'].concat(proxy.endpoint),
      );
      return status.replaceAll(/\s/g, '').includes('"inSync":[0,1]') ? true : undefined;
    });
    return {
      endpoints: [proxy.endpoint],
      processes: [
        { name: 'broker', pid: master.pid },
        { name: 'replica', pid: replica.pid },
        { name: 'proxy', pid: proxy.pid },
      ],
    };
  });
}

const IN_SYNC_MS = 30_000;

type Start = (role: Role, args: readonly string[]) => Promise<GantryProcess>;

async function target(
  name: string,
  make: (start: Start, folder: string) => Promise<Pick<Target, 'endpoints' | 'processes'>>,
): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-bench-'));
  const started: GantryProcess[] = [];
  const start: Start = async (role, args) => {
    const running = await startGantry(role, { args: [...args, '--log-level', 'warn'] });
    // The last one started is the first one to stop.
    started.unshift(running);
    return running;
  };
  const stop = async (): Promise<void> => {
    for (const running of started) await running.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const made = await make(start, folder);
    await runGantry(['topic', 'create', TOPIC, '--endpoint', made.endpoints[0] ?? '']);
    return { name, ...made, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
