/** The answer stream of one ReceiveMessage or PullMessage: order of items, back-pressure, and what did not get through. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Timers } from '../platform/platform';
import type { PublicStatus } from './calls';
import type { EncodedItem } from './codec/receive-codec';

/** @typeParam Last what stands behind the messages */
type DeliveryCall<Last> = ServerWritableStream<
  unknown,
  EncodedItem | { readonly status: PublicStatus } | Last
>;

export class DeliveryStream<Last> {
  private left = false;
  private finished = false;
  private started = false;
  private readonly leaveListeners = new Set<() => void>();

  constructor(
    private readonly call: DeliveryCall<Last>,
    private readonly timers: Timers,
    private readonly stallMs: number,
  ) {
    const leave = (): void => this.leave();
    call.on('cancelled', leave);
    call.on('close', leave);
    call.on('error', leave);
    call.on('finish', () => (this.finished = true));
    if (call.cancelled) this.leave();
  }

  /** Whether the client is gone: cancelled, its deadline over, the connection broken. */
  get gone(): boolean {
    return this.left;
  }

  /** Calls `listener` once when the client leaves before the answer is complete. */
  onGone(listener: () => void): void {
    if (this.left) listener();
    else this.leaveListeners.add(listener);
  }

  /** One status, and nothing else: for what fails before the request is looked at. */
  refuse(status: PublicStatus): void {
    if (this.left) return;
    this.writeStatus(status);
    this.call.end();
  }

  /** An answer without messages. There is never a second status in one stream. */
  end(status: PublicStatus, last: Last): void {
    if (this.left) return;
    if (!this.started) this.writeStatus(status);
    this.call.write(last);
    this.call.end();
  }

  /**
   * Status, messages, what stands behind them; resolves when all are handed over or the client is gone.
   * @returns how many messages, from the first on, went out before the client left
   */
  async deliver(
    status: PublicStatus,
    messages: Iterable<EncodedItem>,
    last: () => Last,
  ): Promise<number> {
    if (this.left) return 0;
    this.writeStatus(status);
    let wrote = 0;
    let taken = 0;
    for (const message of messages) {
      const more = this.call.write(message, (error?: Error | null) => {
        if (!error && !this.left) taken++;
      });
      if (!more) await this.next('drain');
      // A client that left while this message waited in a buffer did not get it.
      if (this.gone) return Math.min(taken, wrote);
      wrote++;
    }
    this.call.write(last());
    this.call.end();
    if (!this.finished) await this.next('finish');
    return this.gone ? taken : wrote;
  }

  private writeStatus(status: PublicStatus): void {
    this.started = true;
    this.call.write({ status });
  }

  /** Waits for an event of the call, but not for a client that takes nothing. */
  private next(event: 'drain' | 'finish'): Promise<void> {
    return new Promise((resolve) => {
      if (this.left) {
        resolve();
        return;
      }
      const done = (): void => {
        timer.cancel();
        this.call.off(event, done);
        this.leaveListeners.delete(done);
        resolve();
      };
      const timer = this.timers.after(this.stallMs, () => {
        this.leave();
        this.call.destroy();
      });
      this.call.once(event, done);
      this.leaveListeners.add(done);
    });
  }

  private leave(): void {
    if (this.left || this.finished) return;
    this.left = true;
    for (const listener of this.leaveListeners) listener();
    this.leaveListeners.clear();
  }
}
