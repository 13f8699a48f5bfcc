/**
 * Consumers that hold messages or were heard from, by number, so that a message in flight names its
 * holder in four bytes.
 */
import type { Clock } from '../../platform/platform';

/** A client that holds nothing is forgotten when it has been silent for this long. */
const FORGET_AFTER_MS = 600_000;
/** Silent clients are looked for when the table has grown by this many. */
const SWEEP_STEP = 1024;

interface Client {
  readonly id: string;
  heardMs: number;
  held: number;
}

export class ClientTable {
  private readonly numbers = new Map<string, number>();
  private readonly clients: (Client | undefined)[] = [];
  private readonly freed: number[] = [];
  private sweepAt = SWEEP_STEP;

  constructor(private readonly clock: Clock) {}

  /** The client's number; it counts as heard from now. */
  heard(id: string): number {
    const known = this.numbers.get(id);
    const now = this.clock.monotonicMs();
    if (known !== undefined) {
      const client = this.clients[known];
      if (client !== undefined) client.heardMs = now;
      return known;
    }
    if (this.numbers.size >= this.sweepAt) this.sweep(now);
    const number = this.freed.pop() ?? this.clients.length;
    this.clients[number] = { id, heardMs: now, held: 0 };
    this.numbers.set(id, number);
    return number;
  }

  find(id: string): number | undefined {
    return this.numbers.get(id);
  }

  name(number: number): string {
    return this.clients[number]?.id ?? '';
  }

  /** Milliseconds since the client was last heard from. */
  silentMs(number: number): number {
    const client = this.clients[number];
    return client === undefined ? Infinity : this.clock.monotonicMs() - client.heardMs;
  }

  /** Counts messages that the client holds, up or down. */
  hold(number: number, change: 1 | -1): void {
    const client = this.clients[number];
    if (client !== undefined) client.held += change;
  }

  held(number: number): number {
    return this.clients[number]?.held ?? 0;
  }

  private sweep(now: number): void {
    this.clients.forEach((client, number) => {
      if (client === undefined || client.held > 0) return;
      if (now - client.heardMs < FORGET_AFTER_MS) return;
      this.clients[number] = undefined;
      this.numbers.delete(client.id);
      this.freed.push(number);
    });
    this.sweepAt = this.numbers.size + SWEEP_STEP;
  }
}
