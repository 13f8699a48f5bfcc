/**
 * Which finished messages went to a dead letter queue, so that their handles are not taken for those of
 * acknowledged ones. The newest only: an acknowledgement much later is answered OK and changes nothing.
 */
import type { DeadLetterOrigin } from '../../message/dead-letter';
import { OldestFirst } from '../../message/oldest-first';

/** The most that are known; 10,000 by default. */
const MAX_KEPT = 10_000;

export class RecentDeadLetters {
  private readonly kept = new OldestFirst<string, DeadLetterOrigin>();

  constructor(private readonly maxKept = MAX_KEPT) {}

  /** Adds the newest one; the oldest goes when there are too many. */
  add(origin: DeadLetterOrigin): void {
    const key = keyOf(origin);
    this.kept.renew(key, origin);
    if (this.kept.size > this.maxKept) this.kept.delete(this.kept.oldest ?? key);
  }

  has(origin: DeadLetterOrigin): boolean {
    return this.kept.has(keyOf(origin));
  }

  /** All of them, the oldest first. */
  all(): Iterable<DeadLetterOrigin> {
    return this.kept.values();
  }

  /** Forgets those of a group on a topic: offsets of a topic made anew mean other messages. */
  forget(group: string, topic: string): void {
    for (const origin of this.kept.values()) {
      if (origin.group === group && origin.topic === topic) this.kept.delete(keyOf(origin));
    }
  }
}

function keyOf({ group, topic, queueId, queueOffset, generation }: DeadLetterOrigin): string {
  return `${group} ${topic} ${queueId} ${queueOffset} ${generation}`;
}
