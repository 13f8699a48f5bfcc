import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type GantryProcess, ROOT } from '../../support/process';
import { until, within } from '../../support/until';

/** The files of deploy/balancers that a program runs here: TCP, or HTTP/2. */
export const BALANCERS = {
  'nginx-tcp': { file: 'nginx-tcp.conf', spreadsCalls: false, namesClients: true },
  'nginx-grpc': { file: 'nginx-grpc.conf', spreadsCalls: true, namesClients: false },
  'haproxy-tcp': { file: 'haproxy-tcp.cfg', spreadsCalls: false, namesClients: true },
  'haproxy-grpc': { file: 'haproxy-grpc.cfg', spreadsCalls: true, namesClients: true },
} as const;
export type BalancerName = keyof typeof BALANCERS;

/** From where the balancers come to the proxies. */
export const BALANCER_HOST = '127.0.0.2';
const READY_MS = 20_000;
const STOP_MS = 20_000;

/** The file as it is in deploy/balancers, with the addresses of the test. */
function configured(name: BalancerName, port: number, proxies: readonly GantryProcess[]): string {
  const text = readFileSync(join(ROOT, 'deploy', 'balancers', BALANCERS[name].file), 'utf8');
  const lines = text.split('\n').map((line) => {
    const proxy = proxies.find((_proxy, index) => line.includes(`192.0.2.${11 + index}:8081`));
    if (proxy !== undefined) {
      return line
        .replace(/192\.0\.2\.\d+:8081/, proxy.endpoint)
        .replace('port 8082', `port ${proxy.httpPort}`);
    }
    return line
      .replaceAll('192.0.2.10:8081', `127.0.0.1:${port}`)
      .replaceAll('192.0.2.10', BALANCER_HOST);
  });
  const made = lines.join('\n');
  if (made.includes('192.0.2.')) throw new Error(`${name} has more addresses than the test`);
  return made;
}

/** A running nginx or HAProxy of our own. */
export class Balancer {
  private text = '';

  private constructor(
    readonly endpoint: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {
    const add = (chunk: Buffer): void => void (this.text += chunk.toString());
    child.stdout?.on('data', add);
    child.stderr?.on('data', add);
  }

  /** Resolves when it takes connections. Throws with what it said when it does not. */
  static async start(name: BalancerName, proxies: readonly GantryProcess[]): Promise<Balancer> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'gantry-balancer-'));
    const file = join(folder, BALANCERS[name].file);
    writeFileSync(file, configured(name, port, proxies));
    const [program, ...args] = name.startsWith('nginx')
      ? ['nginx', '-c', file, '-g', `daemon off; pid ${join(folder, 'pid')};`]
      : ['haproxy', '-db', '-f', file];
    const child = spawn(program ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const balancer = new Balancer(`127.0.0.1:${port}`, child, folder);
    try {
      await once(child, 'spawn');
      await until(`${name} to listen`, READY_MS, async () => {
        if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
        return (await takesConnections(port)) ? true : undefined;
      });
      return balancer;
    } catch (error) {
      await balancer.stop();
      throw new Error(`${String(error)}\n${balancer.output()}`, { cause: error });
    }
  }

  /** What it has said so far. */
  output(): string {
    return this.text;
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await within('the balancer to end', STOP_MS, ended);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
