/** Finding places in a ConsumeQueue by positions of the log. */
import type { ConsumeQueue } from './consume-queue';
import type { ConsumeQueues } from './consume-queues';

const STEP_ENTRIES = 1024;

/**
 * An offset at or below the first one whose message lies at or above the physical offset `position`;
 * exactly that one unless fillers are in the way.
 */
export async function searchFrom(
  queues: ConsumeQueues,
  queue: ConsumeQueue,
  position: number,
): Promise<number> {
  let low = queue.min;
  let high = queue.max;
  const [first] = await queues.entries(queue, low, 1);
  if (first && first.bytes > 0 && first.physicalOffset >= position) return low;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const [entry] = await queues.entries(queue, middle, 1);
    // A filler has no place: the search goes on left of it, at worst it begins too early.
    if (entry === undefined || entry.bytes === 0 || entry.physicalOffset >= position) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first message at or above the physical offset `position`; `undefined` when there is none. */
export async function firstAtOrAbove(
  queues: ConsumeQueues,
  queue: ConsumeQueue,
  position: number,
): Promise<{ readonly queueOffset: number; readonly physicalOffset: number } | undefined> {
  for (let next = await searchFrom(queues, queue, position); ;) {
    const entries = await queues.entries(queue, next, STEP_ENTRIES);
    const found = entries.find((it) => it.bytes > 0 && it.physicalOffset >= position);
    if (found !== undefined || entries.length === 0) return found;
    next = (entries[entries.length - 1]?.queueOffset ?? next) + 1;
  }
}
