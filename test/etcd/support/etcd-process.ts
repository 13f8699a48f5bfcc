import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, LOOPBACK, type Place, spawnAt } from '../../support/process';
import { until } from '../../support/until';

const READY_MS = 60_000;

interface Member extends Place {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

export interface EtcdClusterOptions {
  /** Default 3. */
  readonly members?: number;
  /** Where each member runs; default: all on loopback. */
  readonly places?: readonly Place[];
  /** `--election-timeout`, heartbeats ten times as often, ms; default: etcd's own, 1 s. */
  readonly electionMs?: number;
  /** Files for TLS on the clients' ports, which then ask for certificates of this CA. */
  readonly tls?: { readonly ca: string; readonly certificate: string; readonly key: string };
}

/** Debian's etcd: some members in temporary directories, on free ports. */
export class EtcdCluster {
  private readonly folder = mkdtempSync(join(tmpdir(), 'gantry-etcd-'));
  private readonly running = new Map<string, ChildProcess>();

  private constructor(
    private readonly places: readonly Member[],
    private readonly options: EtcdClusterOptions,
  ) {}

  static async start(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
    const places: Member[] = [];
    for (let index = 0; index < (options.members ?? 3); index++) {
      const place = options.places?.[index] ?? LOOPBACK;
      const [clientPort, peerPort] = [await freePort(), await freePort()];
      places.push({ ...place, name: `m${index}`, clientPort, peerPort });
    }
    const cluster = new EtcdCluster(places, options);
    for (const place of places) cluster.spawn(place);
    try {
      await cluster.ready();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get endpoints(): readonly string[] {
    return this.places.map(({ host, clientPort }) => `${host}:${clientPort}`);
  }

  /** Of the members that were started and have not ended. */
  get pids(): readonly number[] {
    return [...this.running.values()].flatMap(({ pid, exitCode, signalCode }) =>
      pid === undefined || exitCode !== null || signalCode !== null ? [] : [pid],
    );
  }

  /** The endpoint of the member that leads. */
  async leader(): Promise<string> {
    return until('a leader of etcd', READY_MS, async () => {
      for (const endpoint of this.endpoints) {
        const text = await this.ctl(['endpoint', 'status', '-w', 'fields'], endpoint).catch(
          () => '',
        );
        const [, id] = /"MemberID" : (\d+)/.exec(text) ?? [];
        const [, leader] = /"Leader" : (\d+)/.exec(text) ?? [];
        if (id !== undefined && id === leader) return endpoint;
      }
      return undefined;
    });
  }

  signal(endpoint: string, signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.member(endpoint).kill(signal);
  }

  signalAll(signal: 'SIGSTOP' | 'SIGCONT'): void {
    for (const endpoint of this.endpoints) this.signal(endpoint, signal);
  }

  /** Starts a member again that was killed. */
  restart(endpoint: string): void {
    this.spawn(this.place(endpoint));
  }

  /** Runs etcdctl. @returns what it wrote */
  async ctl(args: readonly string[], endpoint = this.endpoints.join(',')): Promise<string> {
    const { tls } = this.options;
    const trust = tls ? ['--cacert', tls.ca, '--cert', tls.certificate, '--key', tls.key] : [];
    const child = spawn('etcdctl', ['--endpoints', endpoint, ...trust, ...args], {
      env: { ...process.env, ETCDCTL_API: '3' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`etcdctl ${args.join(' ')}: ${text}`);
    return text;
  }

  async stop(): Promise<void> {
    await Promise.all(
      [...this.running.values()].map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'close');
      }),
    );
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async ready(): Promise<void> {
    await until('etcd to serve', READY_MS, () =>
      this.ctl(['endpoint', 'health']).then(
        () => true,
        () => undefined,
      ),
    );
  }

  private spawn({ name, host, enter, clientPort, peerPort }: Member): void {
    const { tls, electionMs } = this.options;
    const scheme = tls ? 'https' : 'http';
    const client = `${scheme}://${host}:${clientPort}`;
    const peer = `http://${host}:${peerPort}`;
    const peers = this.places.map((one) => `${one.name}=http://${one.host}:${one.peerPort}`);
    const flags = {
      name,
      'data-dir': join(this.folder, name),
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': peers.join(','),
      ...(electionMs !== undefined && {
        'election-timeout': `${electionMs}`,
        'heartbeat-interval': `${electionMs / 10}`,
      }),
      ...(tls && {
        'cert-file': tls.certificate,
        'key-file': tls.key,
        'trusted-ca-file': tls.ca,
        'client-cert-auth': 'true',
      }),
    };
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    this.running.set(name, spawnAt(enter, ['etcd', ...args], { stdio: 'ignore' }));
  }

  private place(endpoint: string): Member {
    const found = this.places[this.endpoints.indexOf(endpoint)];
    if (found === undefined) throw new Error(`no member at ${endpoint}`);
    return found;
  }

  private member(endpoint: string): ChildProcess {
    const child = this.running.get(this.place(endpoint).name);
    if (child === undefined) throw new Error(`${endpoint} does not run`);
    return child;
  }
}
