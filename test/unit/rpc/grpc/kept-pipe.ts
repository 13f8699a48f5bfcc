import type { ClientPipeOptions } from '../../../../src/rpc/grpc/client-pipe';
import { openPipe } from '../../../../src/rpc/grpc/client-pipe';
import type { Platform } from '../../../../src/platform/platform';
import type { Pipe } from '../../../../src/rpc/pipe';
import { deferred } from '../../../support/deferred';
import { echoDefinition } from './echo-service';

/** A stream of the echo service by our own client, and what it was told. */
export class KeptPipe {
  readonly pipe: Pipe<Buffer, Buffer>;
  readonly messages: Buffer[] = [];
  private readonly over = deferred<string>();
  private drainedAt = 0;
  private wanted = { count: Infinity, reached: deferred<void>() };
  private onDrained = deferred<void>();

  constructor(
    platform: Pick<Platform, 'clock' | 'timers' | 'sockets'>,
    address: string,
    options?: ClientPipeOptions,
    method = echoDefinition.Chat,
  ) {
    this.pipe = openPipe(platform, address, method, options);
    this.pipe.open({
      message: (message) => {
        this.messages.push(message);
        if (this.messages.length >= this.wanted.count) this.wanted.reached.resolve();
      },
      drained: () => {
        this.drainedAt++;
        this.onDrained.resolve();
        this.onDrained = deferred();
      },
      closed: (reason) => this.over.resolve(reason),
    });
  }

  /** The reason with which it ended. */
  get closed(): Promise<string> {
    return this.over.promise;
  }

  /** How often it may be written to again. */
  get drains(): number {
    return this.drainedAt;
  }

  /** Writes all, waiting as it is told. */
  async writeAll(messages: readonly Buffer[]): Promise<void> {
    for (const message of messages) {
      const again = this.onDrained.promise;
      if (!this.pipe.write(message)) await again;
    }
  }

  /** Resolves when so many messages have come. */
  async received(count: number): Promise<void> {
    if (this.messages.length >= count) return;
    this.wanted = { count, reached: deferred() };
    await this.wanted.reached.promise;
  }
}
