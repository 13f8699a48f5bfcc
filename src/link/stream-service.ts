import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Timers } from '../platform/platform';

/** A service for an RpcServer, and the way to end its streams. */
export interface StreamService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Lets what is under way finish within `graceMs` and ends all streams; then those left are cut. */
  close(graceMs: number): Promise<void>;
}

export interface OpenStream {
  /** Ends the stream when all that is under way on it is answered. */
  leave(): void;
  /** Breaks the stream. */
  cut(reason: string): void;
}

/** The streams of a service, so that they can be ended together. */
export class OpenStreams {
  private readonly open = new Set<OpenStream>();
  private closing = false;
  private onEmpty: () => void = () => undefined;

  add(stream: OpenStream): void {
    this.open.add(stream);
    if (this.closing) stream.leave();
  }

  readonly remove = (stream: OpenStream): void => {
    this.open.delete(stream);
    if (this.open.size === 0) this.onEmpty();
  };

  async close(timers: Timers, graceMs: number): Promise<void> {
    this.closing = true;
    for (const stream of [...this.open]) stream.leave();
    if (this.open.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = timers.after(graceMs, () => {
        for (const stream of [...this.open]) stream.cut('this process stops');
      });
      this.onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
