import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until, within } from './until';

/** The root of the repository. */
export const ROOT = join(__dirname, '..', '..');
const MAIN = process.env['TEST_MAIN'] ?? join(ROOT, 'dist', 'main.js');
const READY_MS = 30_000;
const STOP_MS = 20_000;
const LOG_CHARS_MAX = 200_000;

export type Role = 'start' | 'namesrv' | 'broker' | 'proxy';

/** Where a process runs, and where it listens. */
export interface Place {
  /** An address of this machine that the tests reach. */
  readonly host: string;
  /** Words before the command that bring it there. */
  readonly enter: readonly string[];
}

export const LOOPBACK: Place = { host: '127.0.0.1', enter: [] };

export interface ProcessOptions {
  /** Flags after `--host`, `--port` and `--http-port`. */
  readonly args?: readonly string[];
  /** 1 .. 65535; any free port by default. Give the same again to restart in place. */
  readonly port?: number;
  readonly httpPort?: number;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: loopback. */
  readonly place?: Place;
}

/** A running `gantry` process of our own. */
export interface GantryProcess {
  readonly role: Role;
  readonly pid: number;
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  /** `host:port`, what clients are given. */
  readonly endpoint: string;
  /** Standard output and error so far, the newest 200,000 characters. */
  output(): string;
  /** The exit code once it has ended, `null` when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, then the exit code; SIGKILL and an error when it has not ended within 20 s. */
  stop(): Promise<number | null>;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** A loopback port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Starts `gantry ROLE` from `dist/`, and waits until `GET /ready` answers 200. */
export async function startGantry(
  role: Role,
  options: ProcessOptions = {},
): Promise<GantryProcess> {
  const running = await spawnGantry(role, options);
  await untilReady(running);
  return running;
}

/** Starts `gantry ROLE` without waiting for it. */
export async function spawnGantry(
  role: Role,
  options: ProcessOptions = {},
): Promise<GantryProcess> {
  const port = options.port ?? (await freePort());
  const httpPort = options.httpPort ?? (await freePort());
  const { host, enter } = options.place ?? LOOPBACK;
  const listen = ['--host', host, '--port', `${port}`, '--http-port', `${httpPort}`];
  const child = spawnAt(enter, [process.execPath, MAIN, role, ...listen, ...(options.args ?? [])], {
    cwd: ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return wrap(role, child, { host, port, httpPort });
}

/** Runs a command where `enter` brings it; those words end in it, so the process is the command's. */
export function spawnAt(
  enter: readonly string[],
  command: readonly string[],
  options: SpawnOptions,
): ChildProcess {
  const [program = '', ...args] = [...enter, ...command];
  return spawn(program, args, options);
}

/** Waits until the process serves. Throws with its output when it ends instead. */
export async function untilReady(running: GantryProcess): Promise<void> {
  try {
    await until(`gantry ${running.role} to be ready`, READY_MS, async () => {
      if (!alive(running.pid)) throw new Error(`gantry ${running.role} ended before it was ready`);
      return (await isReady(running.httpPort, running.host)) ? true : undefined;
    });
  } catch (error) {
    await running.kill();
    throw new Error(`${String(error)}\n${running.output()}`, { cause: error });
  }
}

/** Whether `GET /ready` answers 200 now. */
export async function isReady(httpPort: number, host = LOOPBACK.host): Promise<boolean> {
  try {
    const response = await fetch(`http://${host}:${httpPort}/ready`);
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false; // nobody listens yet
  }
}

/** Runs `gantry ARGS` to its end; throws with its output when it fails. */
export async function runGantry(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const read = collect(child);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`gantry ${args.join(' ')} exited with ${code}\n${read()}`);
  return read();
}

function collect(child: ChildProcess): () => string {
  let text = '';
  const add = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-LOG_CHARS_MAX);
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return () => text;
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function wrap(
  role: Role,
  child: ChildProcess,
  listens: Pick<GantryProcess, 'host' | 'port' | 'httpPort'>,
): GantryProcess {
  const { pid } = child;
  if (pid === undefined) throw new Error(`could not start ${process.execPath}`);
  const output = collect(child);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    try {
      return await within(`gantry ${role} to stop`, STOP_MS, ended);
    } catch (error) {
      await kill();
      throw new Error(`${String(error)}\n${output()}`, { cause: error });
    }
  };
  const endpoint = `${listens.host}:${listens.port}`;
  return { role, pid, ...listens, endpoint, output, ended, stop, kill };
}
