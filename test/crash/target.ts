import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  freePort,
  type GantryProcess,
  LOOPBACK,
  type ProcessOptions,
  type Role,
  runGantry,
  startGantry,
} from '../support/process';

export type TargetKind = 'one process' | 'a broker behind a proxy';

/** The process with the log. */
export const BROKER = 'broker';

export const QUIET = ['--log-level', 'warn'];
export const SHORT = ['--receive-min-invisible', '1s', '--receive-min-polling', '1s'];

/** A process that comes back on the same ports, and on the same directory. */
interface Part {
  readonly name: string;
  readonly start: () => Promise<GantryProcess>;
  running: GantryProcess;
}

/** Processes that are killed, and the rest around them. */
export class Target {
  private readonly parts: Part[] = [];

  private constructor(readonly folder: string) {}

  /** Starts what `build` says, in a folder of its own; when that fails nothing is left. */
  static async start(build: (target: Target) => Promise<void>): Promise<Target> {
    const target = new Target(mkdtempSync(join(tmpdir(), 'gantry-crash-')));
    try {
      await build(target);
      return target;
    } catch (error) {
      await target.remove();
      throw error;
    }
  }

  /** Starts a process; those that are started last are stopped first. */
  async add(
    name: string,
    role: Role,
    args: readonly string[],
    place = LOOPBACK,
  ): Promise<GantryProcess> {
    const ports = { port: await freePort(), httpPort: await freePort() };
    const options: ProcessOptions = { ...ports, args, place };
    const start = (): Promise<GantryProcess> => startGantry(role, options);
    const running = await start();
    this.parts.unshift({ name, start, running });
    return running;
  }

  /** kill -9 of all these at once, and the same again on the same ports and directories. */
  async killAndRestart(...names: readonly string[]): Promise<void> {
    await this.kill(...names);
    await this.restart(...names);
  }

  /** kill -9 of all these at once. */
  async kill(...names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.part(name).running.kill()));
  }

  /** Starts processes that have ended: the same again, on the same ports and directories. */
  async restart(...names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const part = this.part(name);
        part.running = await part.start();
      }),
    );
  }

  /** The process that runs under a name. */
  running(name: string): GantryProcess {
    return this.part(name).running;
  }

  /** SIGTERM; throws when the process does not end cleanly. */
  async end(name: string): Promise<void> {
    await ended(this.part(name).running);
  }

  /** SIGTERM, and the same again when it has ended cleanly. */
  async replace(name: string): Promise<void> {
    await this.end(name);
    await this.restart(name);
  }

  /** Ends all; throws when a process did not stop cleanly. */
  async stop(): Promise<void> {
    for (const { running } of this.parts) await ended(running);
  }

  /** Ends all at once and removes what is left, whatever state it is in. */
  async remove(): Promise<void> {
    await Promise.all(this.parts.map(({ running }) => running.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  output(): string {
    return this.parts.map(({ name, running }) => `${name}:\n${running.output()}`).join('\n');
  }

  private part(name: string): Part {
    const part = this.parts.find((one) => one.name === name);
    if (part === undefined) throw new Error(`no process ${name}`);
    return part;
  }
}

/** SIGTERM; throws when the process did not end cleanly. */
async function ended(running: GantryProcess): Promise<void> {
  const code = await running.stop();
  if (code !== 0) throw new Error(`${running.role}: exit code ${code}\n${running.output()}`);
}

/** Starts the processes, and makes `topic`; answers where clients connect, too. */
export async function startTarget(
  kind: TargetKind,
  topic: string,
): Promise<{ readonly target: Target; readonly endpoint: string }> {
  let endpoint = '';
  const target = await Target.start(async (made) => {
    const data = ['--data-dir', made.folder, ...QUIET];
    if (kind === 'one process') {
      const args = [...data, '--topic', topic, '--no-auto-create', ...SHORT];
      ({ endpoint } = await made.add(BROKER, 'start', args));
      return;
    }
    const { proxies } = await startCluster(made, 1, []);
    endpoint = proxies[0] ?? '';
    await runGantry(['topic', 'create', topic, '--endpoint', endpoint]);
  });
  return { target, endpoint };
}

/** Name servers, a broker and proxies: `namesrv-1`, ..., `proxy-1`, ...; answers where proxies listen. */
export async function startCluster(
  target: Target,
  proxies: number,
  brokerArgs: readonly string[],
  namesrvs = 1,
): Promise<{ readonly proxies: readonly string[] }> {
  const known: string[] = [];
  for (let i = 1; i <= namesrvs; i++) {
    known.push((await target.add(`namesrv-${i}`, 'namesrv', QUIET)).endpoint);
  }
  const joins = ['--namesrv', known.join(','), ...QUIET];
  await target.add(BROKER, 'broker', ['--data-dir', target.folder, ...joins, ...brokerArgs]);
  const endpoints: string[] = [];
  for (let i = 1; i <= proxies; i++) {
    const { endpoint } = await target.add(`proxy-${i}`, 'proxy', [...joins, ...SHORT]);
    endpoints.push(endpoint);
  }
  return { proxies: endpoints };
}
