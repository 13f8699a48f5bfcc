/** The ways to run Gantry that are compared, each a set of processes on loopback. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GantryProcess, type Role, runGantry, startGantry } from '../../support/process';

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
