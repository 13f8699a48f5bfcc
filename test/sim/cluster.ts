import { crc32 } from 'node:zlib';
import pino, { type Logger } from 'pino';
import type { Member } from '../../src/api/lease-api';
import { replicaIdOf } from '../../src/broker/replication/member-book';
import type { History } from '../crash/mixed/history';
import type { Chance } from '../support/seeded';
import { chanceOf } from './chance';
import { type ReplicaNode, startReplica } from './nodes/broker-node';
import { startNameServer } from './nodes/name-server-node';
import { type ProxyNode, startProxy } from './nodes/proxy-node';
import type { NodeSurroundings, RunningNode } from './nodes/surroundings';
import {
  BROKERS,
  CLIENTS,
  GROUPS,
  isLink,
  NAME_SERVERS,
  PROXIES,
  replicaAt,
  replicasOf,
  SERVERS,
} from './machines';
import { Masters } from './masters';
import { Replicas } from './replicas';
import { Etcd } from './world/etcd';
import { Machine } from './world/machine';
import { Network } from './world/network';
import type { Process } from './world/process';
import { type Actor, Scheduler } from './world/scheduler';

/** An orderly stop that takes longer is ended by `kill -9`, as an init system does. */
const STOP_MS = 10_000;
/** A process that does not come up is started again. */
const RESTART_MS = 500;
const LOG_LINES = 20_000;

interface Node {
  readonly machine: Machine;
  readonly start: (surroundings: NodeSurroundings) => Promise<RunningNode>;
  /** Undefined from the moment on when it is told to stop. */
  running: RunningNode | undefined;
  /** Counts what was asked of it: an answer to what was asked before does not matter. */
  turn: number;
}

export interface ClusterOptions {
  readonly seed: number;
  /** How far a machine's clock may be off at the start, ms. */
  readonly skewMs: number;
  /** How much faster or slower a monotonic clock goes, at most; 0.01: one part in a hundred. */
  readonly drift: number;
  readonly minInSync: number;
}

/** All machines of a cluster and of its clients, on one simulated network. */
export class Cluster {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly etcd: Etcd;
  readonly masters: Masters;
  readonly replicas = new Replicas();
  /** What broke outside of the protocol: a process that crashed, or did not come up. */
  readonly broken: string[] = [];
  /** When a proxy's link to a broker ended. */
  readonly linksLostMs: number[] = [];
  /** While proxies and brokers could not reach each other. */
  readonly cuts: History['cuts'] = [];
  /** What the processes logged, the newest last. */
  readonly log: string[] = [];
  private readonly nodes = new Map<string, Node>();
  /** Members of in-sync sets whose disks are lost. */
  private readonly lostStores = new Set<Member>();
  private readonly logger: Logger;
  private processes = 0;

  constructor(private readonly options: ClusterOptions) {
    this.masters = new Masters(GROUPS, this.replicas);
    this.scheduler = new Scheduler(
      (error, actor) => this.crashed(error, actor),
      (nowMs) => this.masters.look(nowMs),
    );
    this.network = new Network(
      this.scheduler,
      this.chance('network'),
      (name) => this.nodes.get(name)?.machine.process,
      (from, to) => {
        if (isLink(from, to)) this.linksLostMs.push(this.scheduler.nowMs);
      },
    );
    this.etcd = new Etcd(this.scheduler, this.network, GROUPS);
    this.logger = pino(
      {
        level: 'info',
        base: null,
        timestamp: () => `,"atMs":${this.scheduler.nowMs.toFixed(3)}`,
      },
      { write: (line) => this.logged(line) },
    );
    for (const name of NAME_SERVERS) this.add(name, startNameServer);
    const { minInSync } = this.options;
    for (const brokerName of GROUPS) {
      replicasOf(brokerName).forEach((name, replicaId) => {
        this.add(name, (around) => startReplica({ brokerName, replicaId, minInSync }, around));
      });
    }
    for (const name of PROXIES) this.add(name, startProxy);
    for (const name of CLIENTS) this.add(name, () => Promise.reject(new Error('a client')));
  }

  chance(purpose: string): Chance {
    return chanceOf(this.options.seed, purpose);
  }

  machine(name: string): Machine {
    return this.node(name).machine;
  }

  isUp(name: string): boolean {
    return this.node(name).running !== undefined;
  }

  /** A process for clients on a machine of their own. */
  startClient(name: string): Process {
    return this.machine(name).start(++this.processes);
  }

  /** Notes that these do not reach each other for a time from now on, if they are a proxy and a broker. */
  noteCut(ways: readonly (readonly [from: string, to: string])[], forMs: number): void {
    if (!ways.some(([from, to]) => isLink(from, to) || isLink(to, from))) return;
    const { nowMs: fromMs } = this.scheduler;
    this.cuts.push({ fromMs, toMs: fromMs + forMs });
  }

  /** A proxy that runs. */
  proxy(): ProxyNode | undefined {
    for (const name of PROXIES) {
      const { running } = this.node(name);
      if (running !== undefined) return running as ProxyNode;
    }
    return undefined;
  }

  /** Starts a process on a machine where none runs, again and again until it serves. */
  start(name: string): void {
    const node = this.node(name);
    if (node.machine.process !== undefined) return;
    const turn = ++node.turn;
    const process = node.machine.start(++this.processes);
    const logger = this.logger.child({ node: name });
    const { network, etcd } = this;
    node.start({ process, network, etcd, logger, nameServers: NAME_SERVERS }).then(
      (running) => {
        if (node.turn !== turn) return;
        node.running = running;
        if (BROKERS.includes(name)) this.replicas.joined(name, running as ReplicaNode);
      },
      (error: unknown) => {
        if (node.turn !== turn || !process.alive) return;
        this.note(`${name} did not start: ${String(error)}`);
        this.kill(name);
        this.scheduler.after(RESTART_MS, undefined, () => this.start(name));
      },
    );
  }

  /** As `kill -9`. */
  kill(name: string): void {
    this.gone(name, this.machine(name).kill(), false);
  }

  losePower(name: string): void {
    this.gone(name, this.machine(name).losePower(), true);
  }

  loseDisk(name: string): void {
    const { brokerName, replicaId } = replicaAt(name);
    for (const member of this.etcd.group(brokerName).state.inSync ?? []) {
      if (replicaIdOf(member) === replicaId) this.lostStores.add(member);
    }
    this.gone(name, this.machine(name).loseDisk(), true);
  }

  /**
   * Whether a replica can lose its disk and no message with it: another store of the in-sync set is there. What
   * only one member has is gone with it.
   */
  mayLoseDisk(name: string): boolean {
    const { brokerName, replicaId } = replicaAt(name);
    const { inSync = [] } = this.etcd.group(brokerName).state;
    const others = inSync.filter((member) => replicaIdOf(member) !== replicaId);
    return others.some((member) => !this.lostStores.has(member));
  }

  /** The machine of a group's master, or the first of its replicas; of anything else the machine of that name. */
  machineOf(name: string): string {
    if (!GROUPS.some((group) => group === name)) return name;
    const replicas = replicasOf(name);
    const leads = (machine: string): boolean =>
      this.replicas.on(machine)?.host.leader() !== undefined;
    return replicas.find(leads) ?? replicas[0] ?? name;
  }

  /** Asks the master of a replica's group to hand over to it. */
  handOver(name: string): void {
    const { brokerName, replicaId } = replicaAt(name);
    const master = this.replicas.master(brokerName);
    master?.host.replicas.handOver(replicaId).then(
      () => this.note(`${name} may lead`),
      (error: unknown) => this.note(`not handed over to ${name}: ${String(error)}`),
    );
  }

  /** As SIGTERM; killed when it takes too long. */
  stop(name: string): void {
    const node = this.node(name);
    const { running, turn } = node;
    if (running === undefined) {
      this.kill(name);
      return;
    }
    node.running = undefined;
    const end = (): void => {
      if (node.turn === turn) this.kill(name);
    };
    running.stop().then(end, (error: unknown) => {
      this.note(`${name} did not stop: ${String(error)}`);
      end();
    });
    this.scheduler.after(STOP_MS, undefined, end);
  }

  /** As SIGSTOP, and SIGCONT after `ms`. */
  pause(name: string, ms: number): void {
    const { process } = this.machine(name);
    if (process === undefined) return;
    process.stoppedUntilMs = Math.max(process.stoppedUntilMs, this.scheduler.nowMs + ms);
  }

  /** Writes a line into the log that is no process's. */
  note(text: string): void {
    this.logger.info(text);
  }

  /** What each server still holds, when all is done: timers that are set and streams that are open. */
  holdings(): readonly {
    readonly name: string;
    readonly timers: number;
    readonly streams: number;
  }[] {
    return SERVERS.flatMap((name) => {
      const { process } = this.machine(name);
      if (process === undefined) return [];
      return [{ name, timers: process.timers, streams: this.network.openAt(process) }];
    });
  }

  /** The latest that a broker's wall clock says. */
  brokerWallMs(): number {
    return Math.max(...BROKERS.map((name) => this.machine(name).clock.wallMs()));
  }

  private add(name: string, start: Node['start']): void {
    const chance = this.chance(name);
    const rate = 1 + (chance.next() - 0.5) * 2 * this.options.drift;
    const machine = new Machine(name, this.scheduler, chance, rate);
    machine.jumpClock((chance.next() - 0.5) * 2 * this.options.skewMs);
    this.nodes.set(name, { machine, start, running: undefined, turn: 0 });
  }

  private node(name: string): Node {
    const node = this.nodes.get(name);
    if (node === undefined) throw new Error(`no machine ${name}`);
    return node;
  }

  private gone(name: string, process: Process | undefined, silently: boolean): void {
    const node = this.node(name);
    node.turn++;
    node.running = undefined;
    this.replicas.gone(name);
    if (process !== undefined) this.network.died(process, silently);
  }

  /** What an event threw would have ended a real process. */
  private crashed(error: unknown, actor: Actor | undefined): void {
    const name = [...this.nodes].find(([, { machine }]) => machine.process === actor)?.[0] ?? '';
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.broken.push(`${name} crashed at ${this.scheduler.nowMs.toFixed(1)} ms: ${text}`);
  }

  private logged(line: string): void {
    this.scheduler.mix(crc32(line));
    this.log.push(line);
    if (this.log.length > LOG_LINES) this.log.splice(0, LOG_LINES / 2);
  }
}
