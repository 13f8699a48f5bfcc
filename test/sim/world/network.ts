/**
 * The network between machines: it delays, it may be cut in one direction or both, it resets. Within a stream nothing
 * is reordered or lost, as TCP has it: what is sent into a cut waits until the way is open again, or the stream is
 * given up by keepalive. Between streams everything may be reordered.
 */
import { crc32 } from 'node:zlib';
import type { Chance } from '../../support/seeded';
import type { Process } from './process';
import type { Scheduler } from './scheduler';
import { type Carrier, type Parcel, WireEnd } from './wire';

/** A way from one machine to another. */
interface Way {
  /** How often it has been cut and opened: odd while it is cut. */
  cuts: number;
  /** Added to each delay at most, ms. */
  slowMs: number;
}

/** One direction of a stream. */
interface Direction {
  /** When the newest parcel arrives: none behind it may arrive before. */
  lastMs: number;
  /** What was sent while the way is cut. */
  readonly held: (() => void)[];
}

/** Delays are multiples of this, ms: what is sent by several then arrives in one turn, sometimes. */
const STEP_MS = 0.1;
const DELAY_STEPS = 8;
/** A few take much longer. */
const SPIKES = 0.005;
const SPIKE_MS = 40;
/** A peer that can't be reached is given up after this at least, and twice as much at most, ms. */
const KEEPALIVE_MS = 4000;
/** A parcel's kind in the digest, beside the checksum of its bytes. */
const KINDS = { message: 1, end: 2, reset: 3 } as const;

export class Network implements Carrier {
  /** By the machine where they begin, then by the other one. */
  private readonly ways = new Map<string, Map<string, Way>>();
  private readonly ends = new Set<WireEnd>();
  private readonly directions = new WeakMap<WireEnd, Direction>();
  /** Messages that have been sent. */
  messages = 0;

  /**
   * @param processOn the process that runs on a machine
   * @param ended told of each stream's end, from the machine to the other one, that its process is told of
   */
  constructor(
    private readonly scheduler: Scheduler,
    private readonly chance: Chance,
    private readonly processOn: (machine: string) => Process | undefined,
    private readonly ended: (machine: string, other: string) => void,
  ) {}

  /**
   * Opens a stream to a service of another machine, and answers this process's end at once; it is closed when
   * nobody serves there.
   */
  connect(from: Process, to: string, service: string, head: unknown): WireEnd {
    const near = new WireEnd(from, to, this);
    this.add(near);
    this.carry(near, undefined, () => {
      const process = this.processOn(to);
      const accept = process?.services.get(service);
      if (near.over) return;
      if (process === undefined || accept === undefined) {
        this.scheduler.after(this.delayMs(to, from.machine), undefined, () => {
          near.shut(`connection refused by ${to}`);
        });
        return;
      }
      const far = new WireEnd(process, from.machine, this);
      near.peer = far;
      far.peer = near;
      this.add(far);
      this.soon(process, () => accept(far, head));
    });
    this.giveUpWhenCut(near);
    return near;
  }

  /** Streams that are open at a process. */
  openAt(process: Process): number {
    let count = 0;
    for (const end of this.ends) if (end.process === process) count++;
    return count;
  }

  /** Cuts the way from one machine to another; nothing goes that way until `mend`. */
  cut(from: string, to: string): void {
    const way = this.way(from, to);
    if (isCut(way)) return;
    way.cuts++;
    for (const end of this.between(from, to)) this.giveUpWhenCut(end);
  }

  mend(from: string, to: string): void {
    const way = this.way(from, to);
    if (!isCut(way)) return;
    way.cuts++;
    for (const end of this.between(from, to)) {
      const direction = this.directions.get(end);
      for (const send of direction?.held.splice(0) ?? []) send();
    }
    for (const end of [...this.between(from, to), ...this.between(to, from)]) {
      this.giveUpWhenCut(end);
      if (end.peer?.over === true) this.tellGone(end);
    }
  }

  /** How long a message takes that is not of a stream, ms; `undefined`: the way is cut. */
  passage(from: string, to: string): number | undefined {
    this.messages++;
    return isCut(this.way(from, to)) ? undefined : this.delayMs(from, to);
  }

  /** Makes a way slower, or as fast as before: 0. */
  slow(from: string, to: string, slowMs: number): void {
    this.way(from, to).slowMs = slowMs;
  }

  /** Breaks all streams between two machines. */
  reset(a: string, b: string): void {
    for (const end of [...this.between(a, b), ...this.between(b, a)]) end.shut('connection reset');
  }

  /**
   * A process has died.
   * @param silently its machine has died with it: nobody is told, its peers find out
   */
  died(process: Process, silently: boolean): void {
    for (const end of [...this.ends]) {
      if (end.process !== process) continue;
      const { peer } = end;
      end.over = true;
      this.ends.delete(end);
      if (peer === undefined || peer.over) continue;
      if (silently) {
        const ms = KEEPALIVE_MS * (1 + this.chance.next());
        this.scheduler.after(ms, undefined, () => peer.shut('the other side is silent'));
      } else {
        this.carry(end, peer.process, () => peer.shut('the other side is gone'));
      }
    }
  }

  send(from: WireEnd, parcel: Parcel): void {
    this.messages++;
    this.scheduler.mix(KINDS[parcel.kind]);
    if (parcel.kind === 'message') this.scheduler.mix(crc32(parcel.bytes));
    this.carry(from, from.peer?.process, () => {
      const { peer } = from;
      if (peer !== undefined) peer.arrive(parcel);
    });
  }

  credit(from: WireEnd): void {
    const { peer } = from;
    if (peer === undefined) return;
    peer.unread--;
    if (!peer.blocked || peer.unread > 0) return;
    this.scheduler.after(this.delayMs(from.process.machine, from.other), peer.process, () => {
      peer.drain();
    });
  }

  soon(process: Process, run: () => void): void {
    this.scheduler.after(0, process, run);
  }

  over(end: WireEnd): void {
    this.ends.delete(end);
    this.ended(end.process.machine, end.other);
  }

  /**
   * Takes something along one direction of a stream, when all before it has arrived.
   * @param process where it arrives, where that is known already
   */
  private carry(from: WireEnd, process: Process | undefined, arrive: () => void): void {
    const direction = this.directions.get(from);
    if (direction === undefined) throw new Error('a stream of another network');
    const { machine } = from.process;
    const send = (): void => {
      const atMs = Math.max(
        direction.lastMs,
        this.scheduler.nowMs + this.delayMs(machine, from.other),
      );
      direction.lastMs = atMs;
      this.scheduler.after(atMs - this.scheduler.nowMs, process, arrive);
    };
    if (isCut(this.way(machine, from.other))) direction.held.push(send);
    else send();
  }

  /** Both ends find out, each by itself, when either direction stays cut for long. */
  private giveUpWhenCut(end: WireEnd): void {
    const ways = [
      this.way(end.process.machine, end.other),
      this.way(end.other, end.process.machine),
    ];
    if (!ways.some(isCut)) return;
    const cuts = ways.map((way) => way.cuts);
    for (const one of [end, end.peer]) {
      if (one === undefined) continue;
      const ms = KEEPALIVE_MS * (1 + this.chance.next());
      this.scheduler.after(ms, undefined, () => {
        if (ways.every((way, i) => way.cuts === cuts[i])) one.shut('keepalive timed out');
      });
    }
  }

  /** The other end gave up during the cut: the first packet that gets there is answered with a reset. */
  private tellGone(end: WireEnd): void {
    const ms = this.delayMs(end.process.machine, end.other);
    this.scheduler.after(ms, undefined, () => end.shut('connection reset'));
  }

  private add(end: WireEnd): void {
    this.ends.add(end);
    this.directions.set(end, { lastMs: 0, held: [] });
  }

  private delayMs(from: string, to: string): number {
    const { slowMs } = this.way(from, to);
    const extra = slowMs === 0 ? 0 : this.chance.below(slowMs);
    const spike = this.chance.hits(SPIKES) ? this.chance.below(SPIKE_MS) : 0;
    return (1 + this.chance.below(DELAY_STEPS)) * STEP_MS + extra + spike;
  }

  private between(from: string, to: string): readonly WireEnd[] {
    return [...this.ends].filter((end) => end.process.machine === from && end.other === to);
  }

  private way(from: string, to: string): Way {
    let ways = this.ways.get(from);
    if (ways === undefined) this.ways.set(from, (ways = new Map<string, Way>()));
    let way = ways.get(to);
    if (way === undefined) ways.set(to, (way = { cuts: 0, slowMs: 0 }));
    return way;
  }
}

function isCut(way: Way): boolean {
  return way.cuts % 2 === 1;
}
