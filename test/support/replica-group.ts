import pino from 'pino';
import type { BrokerApi, PopRequest, PopResult } from '../../src/api/broker-api';
import type { RoleKeeper } from '../../src/api/replica-host';
import type { FollowerStream, ReplicationApi } from '../../src/api/replication-api';
import { Broker } from '../../src/broker/broker';
import { deletionOf } from '../../src/broker/metadata';
import { BrokerHost } from '../../src/broker/replication/broker-host';
import type { StandInRegistration } from '../../src/broker/replication/announced-host';
import { ReplicaStore } from '../../src/broker/replication/replica-store';
import type { ReplicationSettings } from '../../src/broker/replication/replication-settings';
import { StaticRoles } from '../../src/broker/replication/static-roles';
import { type BrokerSettings, DEFAULT_BROKER_SETTINGS } from '../../src/broker/settings';
import type { StandInOptions } from '../../src/broker/stand-in/substitute';
import {
  followerFromWire,
  followerToWire,
  masterFromWire,
  masterToWire,
} from '../../src/link/codec/replication';
import { replicationStream } from '../../src/link/replication-stream';
import { replicationDefinition } from '../../src/link/services';
import { ANY_HOST } from '../../src/message/host';
import { memoryFiles, memoryPlatform } from '../../src/platform/memory-files';
import type { Files } from '../../src/platform/platform';
import type { FlushMode } from '../../src/store/message-store';
import { openStore, type StoreOptions } from '../../src/store/open-store';
import { MemoryStream } from './memory-stream';
import { Mortal } from './mortal';
import { SimClock } from './sim-clock';
import { messageDraft, popRequest } from './test-broker';

const SILENT = pino({ level: 'silent' });
const DIRECTORY = '/broker';

export interface GroupOptions {
  readonly settings?: Partial<ReplicationSettings>;
  readonly flush?: FlushMode;
  readonly store?: Partial<StoreOptions>;
  readonly keeper?: (replicaId: number) => RoleKeeper;
  /** Replicas stand in for a master that is away for so long, ms; default: never. */
  readonly standInMs?: number;
  readonly broker?: Partial<BrokerSettings>;
}

/** One replica's process. */
export class TestReplica {
  readonly streams = new Set<{ cut(): void; readonly client: { stall(stalled: boolean): void } }>();

  constructor(
    private readonly process: Mortal,
    readonly replica: ReplicaStore,
    readonly host: BrokerHost,
  ) {}

  get broker(): Broker {
    const broker = this.host.leader();
    if (broker === undefined) throw new Error('does not lead');
    return broker;
  }

  get endPosition(): number {
    return this.replica.log.endPosition;
  }

  /** What serves while its master is away. */
  get standIn(): BrokerApi {
    const { standIn } = this.host;
    if (standIn === undefined) throw new Error('does not stand in');
    return standIn;
  }

  cutStreams(): void {
    for (const stream of [...this.streams]) stream.cut();
    this.streams.clear();
  }

  /** Takes nothing from its master any more, as a process that does not run; or goes on. */
  stall(stalled = true): void {
    for (const { client } of this.streams) client.stall(stalled);
  }

  /** Kills the process: what it wrote is there for the next one. */
  kill(): void {
    this.process.kill();
    this.cutStreams();
  }
}

/** Brokers of one group in one process, on simulated time; their links are memory with the codecs of the wire. */
export class ReplicaGroup {
  readonly sim = new SimClock();
  readonly files = new Map<number, Files>();
  private readonly running = new Map<number, TestReplica>();
  /** Replicas that nobody reaches. */
  readonly unreachable = new Set<number>();
  /** What each replica that stands in has told name servers. */
  readonly standIns = new Map<number, StandInRegistration>();

  constructor(private readonly options: GroupOptions = {}) {}

  /** Starts the process of a replica on what its disk holds; it has no role yet. */
  async start(id: number): Promise<TestReplica> {
    const files = this.files.get(id) ?? memoryFiles();
    this.files.set(id, files);
    const { clock, timers } = this.sim;
    const process = new Mortal({ ...memoryPlatform(), files, clock, timers });
    const { platform } = process;
    const flush = this.options.flush ?? 'sync';
    const parts = { directory: DIRECTORY, platform, log: SILENT };
    const brokerSettings = {
      ...{ ...DEFAULT_BROKER_SETTINGS, brokerName: 'a', snapshotEveryBytes: 4096 },
      ...this.options.broker,
    };
    const replica = await this.drive(
      ReplicaStore.open({
        ...parts,
        openStore: () =>
          openStore({
            ...{ ...parts, flush, deletionOf, storeHost: ANY_HOST },
            ...{
              segmentBytes: 64 * 1024,
              queueFileEntries: 100,
              index: { slots: 50, entries: 200 },
            },
            ...this.options.store,
          }),
        settings: brokerSettings,
      }),
    );
    const host = new BrokerHost(
      {
        ...{ replica, platform, log: SILENT, api: this.apiOf(id) },
        settings: {
          ...{ brokerName: 'a', replicaId: id, address: `host:${id}`, ack: 'sync', minInSync: 1 },
          ...{ ackTimeoutMs: 3000, lagMs: 5000, windowBytes: 1024 * 1024 },
          syncedAcks: flush === 'sync',
          ...this.options.settings,
        },
        openBroker: (store, lead) =>
          Broker.open({
            ...{ ...lead, store, directory: DIRECTORY, platform, logger: SILENT },
            settings: brokerSettings,
          }),
        register: () => Promise.resolve(),
        handOver: () => Promise.reject(new Error('roles are given by the test')),
        standIn: this.standIn(id, brokerSettings),
      },
      this.options.keeper?.(id) ?? new StaticRoles(false, SILENT),
    );
    const started = new TestReplica(process, replica, host);
    this.running.set(id, started);
    return started;
  }

  private standIn(id: number, settings: BrokerSettings): StandInOptions | undefined {
    const { standInMs } = this.options;
    if (standInMs === undefined) return undefined;
    const announce = (place: StandInRegistration | undefined): Promise<void> => {
      if (place === undefined) this.standIns.delete(id);
      else this.standIns.set(id, place);
      return Promise.resolve();
    };
    return { directory: DIRECTORY, settings, afterMs: standInMs, announce };
  }

  kill(id: number): void {
    this.running.get(id)?.kill();
    this.running.delete(id);
  }

  /** A replica that begins to lead, and another that follows it and has all. */
  async masterAndReplica(): Promise<readonly [TestReplica, TestReplica]> {
    const [master, replica] = [await this.start(0), await this.start(1)];
    await this.drive(master.host.lead(1, [0]));
    await this.drive(replica.host.follow({ replicaId: 0, address: 'host:0' }, 0));
    await this.inSync(master, 2);
    return [master, replica];
  }

  /** Waits until so many are in sync, the master counted. */
  async inSync(master: TestReplica, count: number): Promise<void> {
    await this.until(() => master.host.status().inSync.length === count);
  }

  /** Moves the time until something is so. */
  async until(done: () => boolean, mostMs = 20_000): Promise<void> {
    for (let ms = 0; ms < mostMs && !done(); ms += 50) await this.sim.advance(50);
    if (!done()) throw new Error(`not so after ${mostMs} ms`);
  }

  /** Lets time pass until a promise has settled. */
  async drive<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    await this.sim.settle();
    await this.until(() => settled, 60_000);
    return done;
  }

  async send(to: TestReplica, topic: string, id: string): Promise<void> {
    await this.drive(to.broker.send(sendRequest(topic, id)));
  }

  pop(
    from: TestReplica,
    group: string,
    topic: string,
    changes: Partial<PopRequest> = {},
  ): Promise<PopResult> {
    const request = popRequest(group, topic, changes);
    return this.drive(from.broker.pop(request, new AbortController().signal));
  }

  private apiOf(from: number): ReplicationApi {
    return {
      connect: (address) => {
        const to = Number(address.slice(address.indexOf(':') + 1));
        const stream = new MemoryStream(this.sim.timers, replicationDefinition().Follow);
        const near: FollowerStream = replicationStream(stream.client, {
          encode: followerToWire,
          decode: masterFromWire,
        });
        const master = this.running.get(to);
        if (master === undefined || this.unreachable.has(to) || this.unreachable.has(from)) {
          this.sim.timers.nextTurn(() => stream.cut());
          return near;
        }
        master.streams.add(stream);
        this.running.get(from)?.streams.add(stream);
        const codec = { encode: masterToWire, decode: followerFromWire };
        master.host.accept(replicationStream(stream.server, codec));
        return near;
      },
    };
  }
}

export function sendRequest(topic: string, id: string): Parameters<Broker['send']>[0] {
  return { draft: messageDraft(topic, id), queueId: 0 };
}
