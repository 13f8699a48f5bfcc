/**
 * What a replica knows of the duplicate window while it follows: the messages of the log that came since it began
 * to, so that a takeover reads only what is older. Those that are cut off again do no harm: a duplicate counts when
 * its record is there.
 */
import { storeTimestampOf } from '../../message/record-property';
import type { Random } from '../../platform/platform';
import type { ReplicatedLog } from '../../store/replicated-log';
import { IdHash } from './id-hash';
import { KnownSends } from './known-sends';

/** Records between two looks for what is too old. */
const SWEEP_EVERY = 4096;

export interface FollowedSendsParts {
  readonly log: Pick<ReplicatedLog, 'endPosition' | 'onFollowed'>;
  readonly random: Pick<Random, 'uint32'>;
  /** As `DuplicateParts`. */
  readonly windowMs: number;
  readonly maxEntries: number;
}

export class FollowedSends {
  readonly known: KnownSends;
  /** All from here on is known. */
  readonly from: number;
  private records = 0;
  private readonly unfollow: () => void;

  constructor({ log, random, windowMs, maxEntries }: FollowedSendsParts) {
    this.known = new KnownSends(IdHash.seededBy(random), maxEntries);
    this.from = log.endPosition;
    this.unfollow = log.onFollowed((record) => {
      this.known.take(record);
      if (++this.records % SWEEP_EVERY > 0) return;
      this.known.table.dropBefore(storeTimestampOf(record) - windowMs);
    });
  }

  /** Learns no more. */
  stop(): void {
    this.unfollow();
  }
}
