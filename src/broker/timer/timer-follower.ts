/**
 * Brings the index of delayed messages near the end of a log that is followed, checkpoint by checkpoint, so that a
 * takeover, which opens the timer on the same files, reads little of the log.
 */
import type { Logger } from 'pino';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import { TimerIndex } from './timer-index';
import { replayTimer } from './timer-replay';

export interface TimerFollowerParts {
  readonly store: MessageStore;
  readonly directory: string;
  readonly platform: Pick<Platform, 'clock' | 'files'>;
  readonly log: Logger;
  /** Log between two checkpoints, bytes. */
  readonly everyBytes: number;
}

export class TimerFollower {
  private readonly index: TimerIndex;
  /** All below is in the index; `undefined` before it was opened. */
  private position: number | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;

  constructor(private readonly parts: TimerFollowerParts) {
    this.index = new TimerIndex(parts.directory, parts.platform);
  }

  /** Learns what the log has gained, where that is enough for a checkpoint. One at a time. */
  advance(): void {
    const { running, stopped, parts } = this;
    if (running !== undefined || stopped) return;
    const known = this.position ?? 0;
    if (parts.store.replicated.dispatchedPosition - known < parts.everyBytes) return;
    this.running = this.learn()
      .catch((err: unknown) => {
        this.stopped = true;
        parts.log.warn(
          { err },
          'the index of delayed messages is left behind: a takeover takes longer',
        );
      })
      .finally(() => {
        this.running = undefined;
      });
  }

  /** Learns no more; resolves when nothing of the index is read or written any more. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async learn(): Promise<void> {
    const { store, everyBytes } = this.parts;
    this.position ??= await this.index.open(store.replicated.dispatchedPosition);
    // Below the log's first record there is nothing to read.
    let from = Math.max(this.position, store.replicated.minPosition);
    while (!this.stopped && store.replicated.dispatchedPosition - from >= everyBytes) {
      const to = from + everyBytes;
      await replayTimer(store, this.index, from, to);
      await this.checkpoint(to);
      this.position = from = to;
    }
  }

  private async checkpoint(position: number): Promise<void> {
    const { store, platform } = this.parts;
    this.index.forgetBelow(store.replicated.minPosition, platform.clock.wallMs());
    await this.index.checkpoint(position, () => store.synced(position));
  }
}
