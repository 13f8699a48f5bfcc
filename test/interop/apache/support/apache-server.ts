/** Apache RocketMQ 5.5.0 in processes of its own: a name server, and a broker inside its gRPC proxy. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, ROOT } from '../../../support/process';
import { takesConnections } from '../../../support/takes-connections';
import { until, within } from '../../../support/until';
import type { ReceivedMessage } from '../../support/driver';
import { knowsBroker } from './name-server';

const LIBRARY = process.env['APACHE_LIB'] ?? join(ROOT, '.cache', 'apache', 'lib');
const BROKER_NAME = 'broker-a';
const START_MS = 120_000;
const STOP_MS = 60_000;
const REMOTE_MS = 180_000;
const MEMORY_SAVING = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:MaxDirectMemorySize=1g'];
/** What the broker of 5.5.0 needs on Java 17. */
const OPENED = [
  ...['--add-exports', 'java.base/jdk.internal.ref=ALL-UNNAMED'],
  ...['--add-exports', 'java.base/sun.nio.ch=ALL-UNNAMED'],
  ...['--add-opens', 'java.base/java.nio=ALL-UNNAMED'],
  ...['--add-opens', 'java.base/sun.nio.ch=ALL-UNNAMED'],
  ...['--add-opens', 'java.base/jdk.internal.ref=ALL-UNNAMED'],
];

/** What a message must be on both sides; see PROTOCOL.md. */
export type ShownMessage = Pick<
  ReceivedMessage,
  'topic' | 'messageId' | 'body' | 'tag' | 'keys' | 'properties'
>;

export interface ApacheOptions {
  /** The store's directory. */
  readonly store: string;
  /** For settings and logs. */
  readonly folder: string;
  /** Length of a CommitLog file, bytes. */
  readonly segmentBytes: number;
}

export class ApacheServer {
  private constructor(
    private readonly options: ApacheOptions,
    private readonly namesrvPort: number,
    private readonly brokerPort: number,
    private readonly grpcPort: number,
    private readonly namesrv: ChildProcess,
    private readonly broker: ChildProcess,
  ) {}

  /**
   * Starts both on a store; resolves when the gRPC port is open and clients find the broker. It opens its
   * ports before it has a connection to the name server, and where it has none yet it registers 10 s later.
   */
  static async start(options: ApacheOptions): Promise<ApacheServer> {
    if (!existsSync(LIBRARY)) throw new Error('run first: node scripts/interop-setup.mjs apache');
    const { folder } = options;
    mkdirSync(join(folder, 'conf'), { recursive: true });
    const namesrvPort = await freePort();
    const brokerPort = await freePort();
    const grpcPort = await freePort();
    const settings = { namesrvPort, brokerPort, grpcPort, remotingPort: await freePort() };
    await writeSettings(options, settings);
    const namesrv = java(folder, 'namesrv', '128m', [
      'org.apache.rocketmq.namesrv.NamesrvStartup',
      ...['-c', join(folder, 'namesrv.conf')],
    ]);
    await portOpen(namesrvPort, namesrv, folder, 'namesrv');
    const broker = java(folder, 'broker', '768m', [
      'org.apache.rocketmq.proxy.ProxyStartup',
      ...['-pm', 'local', '-n', `127.0.0.1:${namesrvPort}`],
      ...['-bc', join(folder, 'broker.conf'), '-pc', join(folder, 'conf', 'rmq-proxy.json')],
    ]);
    const server = new ApacheServer(options, namesrvPort, brokerPort, grpcPort, namesrv, broker);
    try {
      await portOpen(grpcPort, broker, folder, 'broker');
      await portOpen(brokerPort, broker, folder, 'broker');
      await until('the Apache broker to register', START_MS, async () =>
        (await knowsBroker(namesrvPort, BROKER_NAME)) ? true : undefined,
      );
    } catch (error) {
      await server.kill();
      throw error;
    }
    return server;
  }

  get endpoint(): string {
    return `127.0.0.1:${this.grpcPort}`;
  }

  /** SIGTERM: an orderly stop. */
  async stop(): Promise<void> {
    this.broker.kill('SIGTERM');
    try {
      await within('the Apache broker to stop', STOP_MS, ended(this.broker));
    } finally {
      await this.kill();
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    for (const child of [this.broker, this.namesrv]) {
      child.kill('SIGKILL');
      await ended(child);
    }
  }

  /** Makes topics, NAME=TYPE with 2 queues each, and groups of 6 attempts. */
  async setup(topics: readonly string[], groups: readonly string[]): Promise<void> {
    await this.remote(['setup', ...topics, '--', ...groups]);
  }

  /** Sends a message of each kind; answers those that consumers must get once it resolves. */
  async sendAllKinds(prefix: string): Promise<ShownMessage[]> {
    return (await this.remote(['send', prefix])) as ShownMessage[];
  }

  /** Sends two messages to `later` that are due in 30 s, and to `deal` a transaction that nobody ends. */
  async sendPending(prefix: string): Promise<void> {
    await this.remote(['pend', prefix]);
  }

  /** All messages of topics, from the first offset that the broker has. */
  async readAll(topics: readonly string[]): Promise<ShownMessage[]> {
    return (await this.remote(['read', ...topics])) as ShownMessage[];
  }

  /** One run of Remote.java. */
  private async remote(args: readonly string[]): Promise<unknown> {
    const program = join(ROOT, 'test', 'interop', 'apache', 'Remote.java');
    const addresses = [`127.0.0.1:${this.namesrvPort}`, `127.0.0.1:${this.brokerPort}`];
    const { folder } = this.options;
    const flags = ['-Xmx256m', ...MEMORY_SAVING, `-Duser.home=${folder}`];
    const { stdout } = await promisify(execFile)(
      'java',
      [...flags, '-cp', join(LIBRARY, '*'), program, ...addresses, ...args],
      { timeout: REMOTE_MS, maxBuffer: 256 * 1024 * 1024 },
    );
    const line = stdout.split('\n').find((text) => text.startsWith('RESULT '));
    if (line === undefined) throw new Error(`no result of ${args.join(' ')}: ${stdout}`);
    return JSON.parse(line.slice('RESULT '.length));
  }
}

interface Ports {
  readonly namesrvPort: number;
  readonly brokerPort: number;
  readonly grpcPort: number;
  readonly remotingPort: number;
}

async function writeSettings(options: ApacheOptions, ports: Ports): Promise<void> {
  const { folder, store, segmentBytes } = options;
  const namesrvAddr = `127.0.0.1:${ports.namesrvPort}`;
  writeFileSync(join(folder, 'namesrv.conf'), `listenPort=${ports.namesrvPort}\n`);
  const broker = {
    brokerClusterName: 'DefaultCluster',
    brokerName: BROKER_NAME,
    brokerId: '0',
    brokerRole: 'ASYNC_MASTER',
    flushDiskType: 'ASYNC_FLUSH',
    listenPort: ports.brokerPort,
    haListenPort: await freePort(),
    namesrvAddr,
    brokerIP1: '127.0.0.1',
    storePathRootDir: store,
    storePathCommitLog: join(store, 'commitlog'),
    mappedFileSizeCommitLog: segmentBytes,
    autoCreateTopicEnable: 'false',
    timerWheelEnable: 'true',
    diskMaxUsedSpaceRatio: 95,
    // Not below the 3 s for which it gathers op records: it would ask again, and commit twice.
    transactionCheckInterval: 10_000,
  };
  const lines = Object.entries(broker).map(([key, value]) => `${key}=${value}\n`);
  writeFileSync(join(folder, 'broker.conf'), lines.join(''));
  const proxy = {
    rocketMQClusterName: 'DefaultCluster',
    namesrvAddr,
    grpcServerPort: ports.grpcPort,
    remotingListenPort: ports.remotingPort,
  };
  writeFileSync(join(folder, 'conf', 'rmq-proxy.json'), JSON.stringify(proxy));
}

function java(folder: string, name: string, heap: string, args: readonly string[]): ChildProcess {
  const output = openSync(join(folder, `${name}.log`), 'a');
  const flags = [`-Xms${heap}`, `-Xmx${heap}`, ...MEMORY_SAVING, ...OPENED];
  const homes = [`-Duser.home=${folder}`, `-Drocketmq.home.dir=${folder}`];
  const classPath = ['-cp', [join(folder, 'conf'), join(LIBRARY, '*')].join(':')];
  const child = spawn('java', [...flags, ...homes, ...classPath, ...args], {
    cwd: folder,
    env: { ...process.env, ROCKETMQ_HOME: folder },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  return child;
}

async function portOpen(
  port: number,
  child: ChildProcess,
  folder: string,
  name: string,
): Promise<void> {
  await until(`port ${port} of the Apache ${name} to open`, START_MS, async () => {
    if (child.exitCode !== null) {
      const log = readFileSync(join(folder, `${name}.log`), 'utf8').slice(-5000);
      throw new Error(`the Apache ${name} ended with ${child.exitCode}\n${log}`);
    }
    return (await takesConnections(port)) ? true : undefined;
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
