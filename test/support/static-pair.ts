import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Driver } from '../interop/support/driver';
import type { DriverSimple } from '../interop/support/driver-clients';
import { metricOf } from './metric';
import {
  freePort,
  type GantryProcess,
  LOOPBACK,
  type Place,
  runGantry,
  startGantry,
} from './process';
import { until } from './until';

export type PairNode = 'namesrv' | 'master' | 'replica' | 'proxy';

const LIMIT_MS = 60_000;
const INVISIBLE_MS = 10_000;
const STAND_IN_MS = 2000;

/** A broker and its replica, their roles by configuration, behind a proxy; and the official Node client. */
export class StaticPair {
  private readonly folder = mkdtempSync(join(tmpdir(), 'gantry-static-pair-'));
  private readonly processes: GantryProcess[] = [];
  private readonly driver = Driver.start('node');
  private joins: readonly string[] = [];
  private masterPort = 0;
  private running: { readonly replica: GantryProcess; readonly proxy: GantryProcess } | undefined;
  private currentMaster: GantryProcess | undefined;

  private constructor(private readonly placeOf: (node: PairNode) => Place) {}

  /** Starts all, with a topic `orders` of two queues, and a group `readers` that begins where the topic does. */
  static async start(placeOf: (node: PairNode) => Place = () => LOOPBACK): Promise<StaticPair> {
    const pair = new StaticPair(placeOf);
    try {
      await pair.startAll();
      await pair.gantry('topic', 'create', 'orders', '--queues', '2');
      await pair.gantry('group', 'create', 'readers', '--from-beginning');
    } catch (error) {
      await pair.stop();
      throw error;
    }
    return pair;
  }

  /** Starts the master, again when it was killed. */
  async startMaster(): Promise<void> {
    this.currentMaster = await this.startBroker(0, 'master', ['master'], this.masterPort);
  }

  async killMaster(): Promise<void> {
    await this.currentMaster?.kill();
  }

  /** Waits until the replica has all that the master has, and knows that it may be delivered. */
  async replicaHasAll(): Promise<void> {
    const { currentMaster, running } = this;
    if (currentMaster === undefined || running === undefined) throw new Error('not started');
    await until('the replica to know that it has all', LIMIT_MS, async () => {
      const end = await metricOf(currentMaster, 'gantry_broker_log_end_bytes');
      const confirmed = await metricOf(running.replica, 'gantry_broker_log_confirmed_bytes');
      return confirmed === end ? true : undefined;
    });
  }

  /** Runs a command at the proxy; answers what it wrote. */
  gantry(...args: readonly string[]): Promise<string> {
    return runGantry([...args, '--endpoint', this.endpoint]);
  }

  /** A function that sends to `orders`, and answers the message id. */
  async producer(): Promise<(body: string) => Promise<string>> {
    const producer = await this.driver.producer(this.endpoint, ['orders']);
    return (body) => producer.send({ topic: 'orders', body: Buffer.from(body).toString('base64') });
  }

  async consumer(): Promise<Readers> {
    return new Readers(
      await this.driver.simple({
        ...{ endpoints: this.endpoint, group: 'readers', subscriptions: { orders: '*' } },
        awaitMs: 5000,
      }),
    );
  }

  /** What all processes logged, the newest of it. */
  output(): string {
    return this.processes
      .map((one) => `== ${one.role} ${one.endpoint}\n${one.output()}`)
      .join('\n');
  }

  /** Ends all and removes what is left, whatever state it is in. */
  async stop(): Promise<void> {
    await this.driver.stop();
    for (const started of this.processes.toReversed()) await started.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get endpoint(): string {
    return this.running?.proxy.endpoint ?? '';
  }

  private async startAll(): Promise<void> {
    const namesrv = await this.run(startGantry('namesrv', { place: this.placeOf('namesrv') }));
    this.joins = ['--namesrv', namesrv.endpoint];
    this.masterPort = await freePort();
    await this.startMaster();
    const master = `${this.placeOf('master').host}:${this.masterPort}`;
    const role = ['replica', '--replication-master', master];
    const replica = await this.startBroker(1, 'replica', role, await freePort());
    const place = this.placeOf('proxy');
    const args = [...this.joins, '--admin-listen', 'any'];
    const proxy = await this.run(startGantry('proxy', { args, place }));
    this.running = { replica, proxy };
  }

  private startBroker(
    id: number,
    node: PairNode,
    role: readonly string[],
    port: number,
  ): Promise<GantryProcess> {
    const own = ['--data-dir', join(this.folder, node), '--broker-replica-id', `${id}`];
    const group = ['--replication-mode', 'static', '--replication-role', ...role];
    const args = [...own, ...group, '--replication-stand-in', `${STAND_IN_MS}ms`, ...this.joins];
    return this.run(startGantry('broker', { args, port, place: this.placeOf(node) }));
  }

  private async run(starting: Promise<GantryProcess>): Promise<GantryProcess> {
    const started = await starting;
    this.processes.push(started);
    return started;
  }
}

/** The consumer of `readers`. */
class Readers {
  constructor(private readonly consumer: DriverSimple) {}

  /** Receives and acknowledges until it has had so many; answers their bodies. */
  async consume(count: number): Promise<string[]> {
    const had: string[] = [];
    await until(`${count} messages`, LIMIT_MS, async () => {
      const { messages } = await this.consumer
        .receive(count - had.length, INVISIBLE_MS)
        .catch(() => ({ messages: [] }));
      for (const message of messages) {
        await this.consumer.ack(message);
        had.push(Buffer.from(message.body, 'base64').toString());
      }
      return had.length >= count ? true : undefined;
    });
    return had;
  }

  /** Expects that nothing comes. */
  async expectNothing(): Promise<void> {
    const { messages } = await until('an answered receive', LIMIT_MS, () =>
      this.consumer.receive(10, INVISIBLE_MS),
    );
    expect(messages).toEqual([]);
  }
}
