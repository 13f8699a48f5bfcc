import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type GantryProcess, runGantry, startGantry } from '../support/process';

/** What is killed, and the rest around it. */
export interface Target {
  /** Where clients connect. */
  readonly endpoint: string;
  /** kill -9 of the process with the log, and the same again on the same ports and directory. */
  killAndRestart(): Promise<void>;
  /** Ends all; throws when a process did not stop cleanly. */
  stop(): Promise<void>;
  /** Ends all at once and removes what is left, whatever state it is in. */
  remove(): Promise<void>;
  output(): string;
}

export type TargetKind = 'one process' | 'a broker behind a proxy';

const QUIET = ['--log-level', 'warn'];
const SHORT = ['--receive-min-invisible', '1s', '--receive-min-polling', '1s'];

/** Starts the processes, and makes `topic`. */
export async function startTarget(kind: TargetKind, topic: string): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-crash-'));
  try {
    return kind === 'one process'
      ? await startOneProcess(folder, topic)
      : await startBehindProxy(folder, topic);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startOneProcess(folder: string, topic: string): Promise<Target> {
  const args = ['--data-dir', folder, '--topic', topic, '--no-auto-create', ...QUIET, ...SHORT];
  const ports = { port: await freePort(), httpPort: await freePort() };
  const start = (): Promise<GantryProcess> => startGantry('start', { ...ports, args });
  const all = await start();
  return target(folder, all.endpoint, all, start, []);
}

async function startBehindProxy(folder: string, topic: string): Promise<Target> {
  const namesrv = await startGantry('namesrv', { args: QUIET });
  const joins = ['--namesrv', namesrv.endpoint, ...QUIET];
  const ports = { port: await freePort(), httpPort: await freePort() };
  const start = (): Promise<GantryProcess> =>
    startGantry('broker', { ...ports, args: ['--data-dir', folder, ...joins] });
  const broker = await start();
  const proxy = await startGantry('proxy', { args: [...joins, ...SHORT] });
  await runGantry(['topic', 'create', topic, '--endpoint', proxy.endpoint]);
  return target(folder, proxy.endpoint, broker, start, [proxy, namesrv]);
}

function target(
  folder: string,
  endpoint: string,
  first: GantryProcess,
  start: () => Promise<GantryProcess>,
  others: readonly GantryProcess[],
): Target {
  let victim = first;
  const processes = (): readonly GantryProcess[] => [
    ...others.slice(0, 1),
    victim,
    ...others.slice(1),
  ];
  return {
    endpoint,
    killAndRestart: async () => {
      await victim.kill();
      victim = await start();
    },
    stop: async () => {
      for (const running of processes()) {
        const code = await running.stop();
        if (code !== 0) throw new Error(`${running.role}: exit code ${code}\n${running.output()}`);
      }
    },
    remove: async () => {
      await Promise.all(processes().map((running) => running.kill()));
      rmSync(folder, { recursive: true, force: true });
    },
    output: () =>
      processes()
        .map((running) => `${running.role}:\n${running.output()}`)
        .join('\n'),
  };
}
