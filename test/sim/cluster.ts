import { crc32 } from 'node:zlib';
import pino, { type Logger } from 'pino';
import { type Chance, seeded } from '../support/seeded';
import { startBroker } from './nodes/broker-node';
import { startNameServer } from './nodes/name-server-node';
import { type ProxyNode, startProxy } from './nodes/proxy-node';
import type { NodeSurroundings, RunningNode } from './nodes/surroundings';
import { Machine } from './world/machine';
import { Network } from './world/network';
import type { Process } from './world/process';
import { type Actor, Scheduler } from './world/scheduler';

export const NAME_SERVERS = ['namesrv-1', 'namesrv-2'] as const;
export const BROKERS = ['broker-a', 'broker-b'] as const;
export const PROXIES = ['proxy-1', 'proxy-2'] as const;
export const CLIENTS = ['client-1', 'client-2', 'client-3', 'client-4'] as const;
/** The machines that faults happen to. */
export const SERVERS: readonly string[] = [...NAME_SERVERS, ...BROKERS, ...PROXIES];

/** An orderly stop that takes longer is ended by `kill -9`, as an init system does. */
const STOP_MS = 10_000;
/** A process that does not come up is started again. */
const RESTART_MS = 500;
/** How much faster or slower a clock goes, at most. */
const DRIFT = 0.0002;
const LOG_LINES = 20_000;

interface Node {
  readonly machine: Machine;
  readonly start: (surroundings: NodeSurroundings) => Promise<RunningNode>;
  running: RunningNode | undefined;
  /** Counts what was asked of it: an answer to what was asked before does not matter. */
  turn: number;
}

export interface ClusterOptions {
  readonly seed: number;
  /** How far a machine's clock may be off at the start, ms. */
  readonly skewMs: number;
}

/** Chance of its own for each purpose: more of one does not change another. */
export function chanceOf(seed: number, purpose: string): Chance {
  return seeded(crc32(`${seed} ${purpose}`));
}

/** All machines of a cluster and of its clients, on one simulated network. */
export class Cluster {
  readonly scheduler: Scheduler;
  readonly network: Network;
  /** What broke outside of the protocol: a process that crashed, or did not come up. */
  readonly broken: string[] = [];
  /** What the processes logged, the newest last. */
  readonly log: string[] = [];
  private readonly nodes = new Map<string, Node>();
  private readonly logger: Logger;
  private processes = 0;

  constructor(private readonly options: ClusterOptions) {
    this.scheduler = new Scheduler((error, actor) => this.crashed(error, actor));
    this.network = new Network(
      this.scheduler,
      this.chance('network'),
      (name) => this.nodes.get(name)?.machine.process,
    );
    this.logger = pino(
      {
        level: 'info',
        base: null,
        timestamp: () => `,"atMs":${this.scheduler.nowMs.toFixed(3)}`,
      },
      { write: (line) => this.logged(line) },
    );
    for (const name of NAME_SERVERS) this.add(name, startNameServer);
    for (const name of BROKERS) {
      this.add(name, (around) => startBroker({ brokerName: name, flush: 'sync' }, around));
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
    const { network } = this;
    node.start({ process, network, logger, nameServers: NAME_SERVERS }).then(
      (running) => {
        if (node.turn === turn) node.running = running;
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
    const rate = 1 + (chance.next() - 0.5) * 2 * DRIFT;
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
