/**
 * A broker group under simulated time: an election in each replica, one lease service, and between the replicas
 * no log but the heartbeats of their masters. What a test breaks are the ways between them, and the replicas.
 */
import type { ReplicaHost } from '../../src/api/replica-host';
import { Election } from '../../src/broker/replication/election';
import { memberOf } from '../../src/broker/replication/member-book';
import { ModelLease } from './model-lease';
import { ModelLeaseService } from './model-lease-service';
import { NodeClock, type NodeClockOptions } from './node-clock';
import { seeded, type Chance } from './seeded';
import { SimClock } from './sim-clock';

export const LEASE_MS = 3_000;
/** Of a master, ms. */
const HEARTBEAT_MS = 500;
/** One that was silent for so long is asked for no promise, ms. */
const UNHEARD_MS = 1_000;
/** A follower that was silent for so long is taken out of the in-sync set, ms. */
const SILENT_MS = 3_000;
/** How long the test looks away, ms. */
const STEP_MS = 20;

type Role =
  | { readonly kind: 'rest' }
  | { readonly kind: 'lead'; readonly epoch: number; readonly lost: number | undefined }
  | { readonly kind: 'follow'; readonly epoch: number; readonly master: number };

export interface Replica {
  readonly id: number;
  readonly time: NodeClock;
  readonly election: Election;
  readonly role: Role;
  readonly log: { readonly info: jest.Mock; readonly warn: jest.Mock; readonly error: jest.Mock };
  /** Whether it answers as master now. */
  answers(): boolean;
}

export class ElectionScene {
  readonly sim = new SimClock();
  readonly service: ModelLeaseService;
  readonly replicas: SceneReplica[] = [];
  /** Ways that are cut, `<from>-<to>`; the service is `etcd`. */
  private readonly cuts = new Set<string>();
  /** Who answered as master under which epoch, over all time. */
  private readonly mastersByEpoch = new Map<number, number>();
  private readonly chance: Chance;
  longestVacancyMs = 0;
  private vacantSinceMs: number | undefined;

  constructor(seed = 1) {
    this.chance = seeded(seed);
    this.service = new ModelLeaseService(this.sim.timers, LEASE_MS);
  }

  /** Adds a replica, or starts one again that was killed; a new store means that it lost its disk. */
  start(id: number, storeId = `store${id}`, clock: NodeClockOptions = {}): SceneReplica {
    const replica = new SceneReplica(this, id, storeId, clock, this.chance);
    this.replicas[id] = replica;
    replica.election.start();
    return replica;
  }

  kill(id: number): void {
    const replica = this.replica(id);
    replica.time.kill();
    replica.dead = true;
    void replica.lease.close();
  }

  /** Cuts a way in one direction; `etcd` is the service. */
  cut(from: number | 'etcd', to: number | 'etcd'): void {
    this.cuts.add(`${from}-${to}`);
  }

  cutBoth(one: number | 'etcd', other: number | 'etcd'): void {
    this.cut(one, other);
    this.cut(other, one);
  }

  heal(): void {
    this.cuts.clear();
  }

  /** How long a message takes, ms; `undefined`: the way is cut. */
  delay(from: number | 'etcd', to: number | 'etcd'): number | undefined {
    if (this.cuts.has(`${from}-${to}`)) return undefined;
    return 1 + this.chance.below(20);
  }

  /** Moves on, and looks all the time that there is never more than one master, nor two of one epoch. */
  async run(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
      await this.sim.advance(STEP_MS);
      this.look();
    }
  }

  /** The one that answers as master now. */
  get master(): SceneReplica | undefined {
    return this.masters()[0];
  }

  replica(id: number): SceneReplica {
    const replica = this.replicas[id];
    if (replica === undefined) throw new Error(`no replica ${id}`);
    return replica;
  }

  /** A group of `count` that has a master and everybody in sync. */
  static async settled(count: number, seed?: number): Promise<ElectionScene> {
    const scene = new ElectionScene(seed);
    for (let id = 0; id < count; id++) scene.start(id);
    await scene.run(10_000);
    if (scene.service.state.inSync?.length !== count) throw new Error('the group did not settle');
    scene.longestVacancyMs = 0;
    return scene;
  }

  private masters(): SceneReplica[] {
    return this.replicas.filter((replica) => replica.answers());
  }

  private look(): void {
    const masters = this.masters();
    const nowMs = this.sim.clock.monotonicMs();
    if (masters.length > 1) {
      const who = masters.map(({ id, role }) => `${id} ${JSON.stringify(role)}`).join(', ');
      throw new Error(`two masters at ${nowMs} ms: ${who}`);
    }
    for (const { id, role } of masters) {
      if (role.kind !== 'lead') continue;
      const before = this.mastersByEpoch.get(role.epoch) ?? id;
      if (before !== id) throw new Error(`epoch ${role.epoch} had masters ${before} and ${id}`);
      this.mastersByEpoch.set(role.epoch, id);
    }
    if (masters.length > 0) this.vacantSinceMs = undefined;
    else this.vacantSinceMs ??= nowMs;
    const vacantMs = nowMs - (this.vacantSinceMs ?? nowMs);
    this.longestVacancyMs = Math.max(this.longestVacancyMs, vacantMs);
  }
}

class SceneReplica implements Replica {
  readonly time: NodeClock;
  readonly lease: ModelLease;
  readonly election: Election;
  readonly log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() };
  role: Role = { kind: 'rest' };
  dead = false;
  /** What `lead` does beside. */
  failLead = false;
  private readonly inSync = new Set<number>();
  private changing = false;
  /** The last change was not answered: it is asked again. */
  private unsettled = false;
  private readonly heardMs = new Map<number, number>();

  constructor(
    private readonly scene: ElectionScene,
    readonly id: number,
    readonly storeId: string,
    clock: NodeClockOptions,
    chance: Chance,
  ) {
    this.time = new NodeClock(scene.sim, clock);
    this.lease = new ModelLease(scene.service, {
      platform: this.time,
      network: scene.sim.timers,
      wire: (way) => (way === 'there' ? scene.delay(id, 'etcd') : scene.delay('etcd', id)),
    });
    this.election = new Election({
      self: { member: memberOf(id, storeId), address: `replica${id}:10911` },
      lease: this.lease,
      host: this.host(),
      platform: {
        ...this.time,
        random: { uint32: () => chance.below(2 ** 32), bytes: (count) => Buffer.alloc(count) },
      },
      log: this.log,
      promiseMs: LEASE_MS,
    });
    this.beat();
  }

  answers(): boolean {
    return !this.dead && this.role.kind === 'lead' && this.election.leads(this.role.epoch);
  }

  private host(): ReplicaHost {
    return {
      endPosition: 0,
      lead: async (epoch, inSync, lost) => {
        if (this.failLead) throw new Error('the disk is broken');
        this.inSync.clear();
        for (const id of inSync) this.inSync.add(id);
        const nowMs = this.time.clock.monotonicMs();
        this.heardMs.clear();
        for (const id of inSync) this.heardMs.set(id, nowMs);
        this.role = { kind: 'lead', epoch, lost };
      },
      follow: async ({ replicaId }, epoch) => {
        this.role = { kind: 'follow', epoch, master: replicaId };
      },
      rest: async () => {
        this.role = { kind: 'rest' };
      },
    };
  }

  /** A master's heartbeats, for as long as this process lives. */
  private beat(): void {
    this.time.timers.after(HEARTBEAT_MS, () => {
      this.beat();
      if (this.role.kind !== 'lead') return;
      const { epoch } = this.role;
      for (const other of this.scene.replicas) if (other !== this) this.ask(other, epoch);
      this.judgeInSync(epoch);
    });
  }

  private ask(other: SceneReplica, epoch: number): void {
    const sentMs = this.time.clock.monotonicMs();
    const wallMs = this.time.clock.wallMs();
    const heard = sentMs - (this.heardMs.get(other.id) ?? -Infinity) < UNHEARD_MS;
    const askedMs = heard ? this.election.askPromiseMs : 0;
    this.send(other, () => {
      if (other.role.kind !== 'follow' || other.role.epoch !== epoch) return;
      const promiseMs = askedMs > 0 ? other.election.promise(epoch, askedMs) : 0;
      const otherWallMs = other.time.clock.wallMs();
      other.send(this, () => {
        if (this.role.kind !== 'lead' || this.role.epoch !== epoch) return;
        const meant = this.election.met(other.id, other.storeId);
        if (!meant && this.inSync.has(other.id)) {
          this.changeInSync(epoch, other.id, false);
          return;
        }
        this.election.promised(other.id, sentMs, promiseMs);
        const offMs = this.election.clockSeen(other.id, wallMs - otherWallMs);
        this.send(other, () => other.election.clockOff(offMs));
        this.heardMs.set(other.id, this.time.clock.monotonicMs());
        if (!this.inSync.has(other.id)) this.changeInSync(epoch, other.id, true);
      });
    });
  }

  private judgeInSync(epoch: number): void {
    if (this.unsettled) this.changeInSync(epoch, this.id, true);
    const nowMs = this.time.clock.monotonicMs();
    for (const id of this.inSync) {
      const silentMs = nowMs - (this.heardMs.get(id) ?? 0);
      if (id !== this.id && silentMs > SILENT_MS) this.changeInSync(epoch, id, false);
    }
  }

  private changeInSync(epoch: number, id: number, add: boolean): void {
    if (this.changing) return;
    this.changing = true;
    const next = new Set(this.inSync);
    if (add) next.add(id);
    else next.delete(id);
    this.election
      .changeInSync(epoch, [...next])
      .then(
        () => {
          this.unsettled = false;
          if (this.role.kind !== 'lead' || this.role.epoch !== epoch) return;
          if (add) this.inSync.add(id);
          else this.inSync.delete(id);
        },
        () => (this.unsettled = true),
      )
      .finally(() => (this.changing = false));
  }

  private send(to: SceneReplica, arrive: () => void): void {
    const delayMs = this.scene.delay(this.id, to.id);
    if (delayMs === undefined || this.dead) return;
    this.scene.sim.timers.after(delayMs, () => to.time.timers.after(0, arrive));
  }
}
