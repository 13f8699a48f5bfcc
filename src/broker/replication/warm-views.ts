/**
 * What a replica learns of its log while it follows, where a takeover would take long to read it: the duplicate
 * window and the index of delayed messages. Of one opened store; what else a broker knows begins at the master's
 * newest snapshot.
 */
import type { Logger } from 'pino';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import { FollowedSends } from '../dedup/followed-sends';
import type { BrokerSettings } from '../settings';
import { TimerFollower } from '../timer/timer-follower';

export type WarmViewSettings = Pick<
  BrokerSettings,
  'dedupWindowMs' | 'dedupMaxEntries' | 'snapshotEveryBytes'
>;

export interface WarmViewsParts {
  readonly store: MessageStore;
  readonly directory: string;
  readonly platform: Platform;
  readonly log: Logger;
  readonly settings: WarmViewSettings;
}

export class WarmViews {
  /** `undefined` where message ids are not known at all. */
  readonly sends: FollowedSends | undefined;
  private readonly timer: TimerFollower;

  constructor({ store, directory, platform, log, settings }: WarmViewsParts) {
    const { dedupWindowMs: windowMs, dedupMaxEntries: maxEntries, snapshotEveryBytes } = settings;
    const { random } = platform;
    if (windowMs > 0) {
      this.sends = new FollowedSends({ log: store.replicated, random, windowMs, maxEntries });
    }
    this.timer = new TimerFollower({
      ...{ store, directory, platform, log },
      everyBytes: snapshotEveryBytes,
    });
  }

  /** Called now and then while the log grows. */
  advance(): void {
    this.timer.advance();
  }

  /** Learns no more; resolves when a broker may be opened on the store, or the store be closed. */
  async stop(): Promise<void> {
    this.sends?.stop();
    await this.timer.stop();
  }
}
