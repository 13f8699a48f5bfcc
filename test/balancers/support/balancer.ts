import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { deployText } from '../../support/deploy-files';
import { freePort, type GantryProcess, ROOT } from '../../support/process';
import { takesConnections } from '../../support/takes-connections';
import { until, within } from '../../support/until';

const TCP = { spreadsCalls: false, namesClients: true, asksHealth: true };
const HTTP2 = { ...TCP, spreadsCalls: true };

/** The files of deploy/balancers, and what their programs do. */
export const BALANCERS = {
  'nginx-tcp': { file: 'nginx-tcp.conf', ...TCP, asksHealth: false },
  'nginx-grpc': { file: 'nginx-grpc.conf', ...HTTP2, namesClients: false, asksHealth: false },
  'haproxy-tcp': { file: 'haproxy-tcp.cfg', ...TCP },
  'haproxy-grpc': { file: 'haproxy-grpc.cfg', ...HTTP2 },
  'envoy-tcp': { file: 'envoy-tcp.yaml', ...TCP },
  'envoy-grpc': { file: 'envoy-grpc.yaml', ...HTTP2 },
} as const;
export type BalancerName = keyof typeof BALANCERS;

/** From where the balancers come to the proxies. */
export const BALANCER_HOST = '127.0.0.2';
/** What `scripts/interop-setup.mjs envoy` makes. */
export const ENVOY = join(ROOT, '.cache', 'envoy', 'bin', 'envoy');
const READY_MS = 20_000;
const STOP_MS = 20_000;

/** The file as it is in deploy/balancers, with the addresses of the test. */
function configured(name: BalancerName, port: number, proxies: readonly GantryProcess[]): string {
  let text = deployText(`balancers/${BALANCERS[name].file}`);
  const replace = (from: string, to: string): void => void (text = text.replaceAll(from, to));
  for (const [index, proxy] of proxies.entries()) {
    const host = `192.0.2.${11 + index}`;
    const lines = text.split('\n').map((line) => {
      return line.includes(host) ? line.replace('port 8082', `port ${proxy.httpPort}`) : line;
    });
    text = lines.join('\n');
    replace(`${host}:8081`, proxy.endpoint);
    replace(`${host}, port_value: 8081`, `127.0.0.1, port_value: ${proxy.port}`);
  }
  replace('192.0.2.10:8081', `127.0.0.1:${port}`);
  replace('192.0.2.10, port_value: 8081', `127.0.0.1, port_value: ${port}`);
  replace('192.0.2.10', BALANCER_HOST);
  // Envoy's own port: any.
  replace('port_value: 9901', 'port_value: 0');
  if (text.includes('192.0.2.')) throw new Error(`${name} has more addresses than the test`);
  return text;
}

/** What runs the file in the foreground. */
function commandOf(name: BalancerName, file: string): readonly [string, ...string[]] {
  const [program] = name.split('-');
  switch (program) {
    case 'nginx':
      return ['nginx', '-c', file, '-g', `daemon off; pid ${join(dirname(file), 'pid')};`];
    case 'haproxy':
      return ['haproxy', '-db', '-f', file];
    default:
      return [ENVOY, '-c', file, '--disable-hot-restart', '--log-level', 'warning'];
  }
}

/** A running balancer of our own. */
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
    const [program, ...args] = commandOf(name, file);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
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
