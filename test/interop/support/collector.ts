import { until } from '../../support/until';
import { type ReceivedMessage } from './driver';
import { type DriverSimple } from './driver-clients';

export interface Collected {
  readonly message: ReceivedMessage;
  /** Which of the consumers it came to. */
  readonly consumer: number;
  /** Of the receive that brought it (`performance.now()`): the message left the broker in between. */
  readonly askedMs: number;
  readonly gotMs: number;
}

export interface CollectorOptions {
  readonly invisibleMs: number;
  /** Messages a receive may bring; 16 by default. */
  readonly max?: number;
  /** Whether each message is acknowledged at once; true by default. */
  readonly ack?: boolean;
  /** Receives in flight for each consumer: more than one when several brokers are asked in turn. */
  readonly lanes: number;
}

/** Receives with simple consumers until told to stop, and keeps what came. */
export class Collector {
  readonly seen: Collected[] = [];
  private emptyPolls = 0;
  private failure: Error | undefined;
  private stopped = false;

  constructor(consumers: readonly DriverSimple[], options: CollectorOptions) {
    for (const [index, consumer] of consumers.entries()) {
      for (let lane = 0; lane < options.lanes; lane++) void this.receive(consumer, index, options);
    }
  }

  /** Waits until `count` messages have come, a redelivered one counted again; answers those. */
  async untilSeen(count: number, limitMs: number): Promise<readonly Collected[]> {
    await this.wait(`${count} received messages`, limitMs, () => this.seen.length >= count);
    return this.seen;
  }

  /** Waits until `count` more receives have waited their time in vain: a whole empty long poll each. */
  async untilEmptyPolls(count: number, limitMs: number): Promise<void> {
    const goal = this.emptyPolls + count;
    await this.wait(`${count} empty receives`, limitMs, () => this.emptyPolls >= goal);
  }

  /** No further receive starts; what is in flight is left to its end. */
  stop(): void {
    this.stopped = true;
  }

  private async wait(what: string, limitMs: number, holds: () => boolean): Promise<void> {
    await until(what, limitMs, () => {
      if (this.failure !== undefined) throw this.failure;
      return holds() ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; so far ${this.seen.length}`, { cause: error });
    });
  }

  private async receive(
    consumer: DriverSimple,
    index: number,
    options: CollectorOptions,
  ): Promise<void> {
    try {
      while (!this.stopped) {
        const askedMs = performance.now();
        const { messages } = await consumer.receive(options.max ?? 16, options.invisibleMs);
        const gotMs = performance.now();
        if (messages.length === 0) this.emptyPolls++;
        for (const message of messages) {
          this.seen.push({ message, consumer: index, askedMs, gotMs });
        }
        if (options.ack ?? true) {
          await Promise.all(messages.map((message) => consumer.ack(message)));
        }
      }
    } catch (error) {
      if (!this.stopped) this.failure = error instanceof Error ? error : new Error(String(error));
    }
  }
}
