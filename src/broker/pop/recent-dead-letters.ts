/**
 * Which finished messages went to a dead letter queue, so that their handles are not taken for those of
 * acknowledged ones. The newest only: an acknowledgement much later is answered OK and changes nothing.
 */
import type { DeadLetterOrigin } from '../../message/dead-letter';

const MAX_KEPT = 10_000;

export class RecentDeadLetters {
  private readonly keys = new Set<string>();

  add(origin: DeadLetterOrigin): void {
    this.keys.add(keyOf(origin));
    if (this.keys.size <= MAX_KEPT) return;
    for (const oldest of this.keys) {
      this.keys.delete(oldest);
      return;
    }
  }

  has(origin: DeadLetterOrigin): boolean {
    return this.keys.has(keyOf(origin));
  }
}

function keyOf({ group, topic, queueId, queueOffset, generation }: DeadLetterOrigin): string {
  return `${group} ${topic} ${queueId} ${queueOffset} ${generation}`;
}
