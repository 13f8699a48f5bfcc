/**
 * The lite topics of one parent topic. Each has a queue of the parent to itself, numbered behind those that a
 * topic may have of its own: what an idle one costs is its name and three numbers. The queue of one that was
 * removed goes to the next new one, which begins where the queue then ends.
 */
import { MAX_QUEUES } from '../../api/topic';

const FIRST_QUEUE = MAX_QUEUES;
/** Stands for no lite topic. */
const FREE = '';

/** A lite topic as the log holds it. */
export interface LiteRow {
  readonly name: string;
  readonly queueId: number;
  /** The offset of its first message. */
  readonly base: number;
}

export class LiteTable {
  private readonly queues = new Map<string, number>();
  /** Columns, by queue. */
  private readonly names: string[] = [];
  private readonly bases: number[] = [];
  private readonly usedMs: number[] = [];
  /** Places of queues that were free when they were noted. */
  private readonly freed: number[] = [];

  get size(): number {
    return this.queues.size;
  }

  queueOf(name: string): number | undefined {
    return this.queues.get(name);
  }

  /** The lite topic that has a queue. */
  nameOf(queueId: number): string | undefined {
    const name = this.names[queueId - FIRST_QUEUE];
    return name === FREE ? undefined : name;
  }

  baseOf(queueId: number): number {
    return this.bases[queueId - FIRST_QUEUE] ?? 0;
  }

  /** The queue that the next new lite topic gets. */
  nextQueue(): number {
    for (let at = this.freed.at(-1); at !== undefined; at = this.freed.at(-1)) {
      if (this.names[at] === FREE) return FIRST_QUEUE + at;
      this.freed.pop();
    }
    return FIRST_QUEUE + this.names.length;
  }

  put({ name, queueId, base }: LiteRow, nowMs: number): void {
    const at = queueId - FIRST_QUEUE;
    while (this.names.length < at) {
      this.freed.push(this.names.length);
      this.fill(this.names.length, FREE, 0, 0);
    }
    this.fill(at, name, base, nowMs);
    this.queues.set(name, queueId);
  }

  remove(queueId: number): void {
    const at = queueId - FIRST_QUEUE;
    const name = this.nameOf(queueId);
    if (name === undefined) return;
    this.queues.delete(name);
    this.names[at] = FREE;
    this.freed.push(at);
  }

  /** Somebody has sent to a lite topic, or received from it. Hot path. */
  used(queueId: number, nowMs: number): void {
    this.usedMs[queueId - FIRST_QUEUE] = nowMs;
  }

  /** Queues of lite topics that nobody has used since `beforeMs`, at most `max`. */
  idle(beforeMs: number, max: number): readonly number[] {
    const idle: number[] = [];
    for (let at = 0; at < this.names.length && idle.length < max; at++) {
      const used = this.usedMs[at] ?? 0;
      if (this.names[at] !== FREE && used < beforeMs) idle.push(FIRST_QUEUE + at);
    }
    return idle;
  }

  *rows(): IterableIterator<LiteRow> {
    for (const [name, queueId] of this.queues) {
      yield { name, queueId, base: this.baseOf(queueId) };
    }
  }

  private fill(at: number, name: string, base: number, nowMs: number): void {
    this.names[at] = name;
    this.bases[at] = base;
    this.usedMs[at] = nowMs;
  }
}
