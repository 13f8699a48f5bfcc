/** Finding places in a ConsumeQueue by positions of the log. */
import type { QueueEntry } from './message-store';

const STEP_ENTRIES = 1024;

/** Reads entries as `MessageStore.entries` does, of one queue. */
export type ReadEntries = (
  from: number,
  count: number,
) => readonly QueueEntry[] | Promise<readonly QueueEntry[]>;

export interface Search {
  /** Queue offsets to look in. */
  readonly from: number;
  readonly to: number;
  /** Position in the log. */
  readonly position: number;
}

/**
 * An offset at or below the first one whose message lies at or above the position; exactly that one
 * unless fillers are in the way.
 */
export async function searchFrom(read: ReadEntries, search: Search): Promise<number> {
  const { from, position } = search;
  let low = from;
  let high = search.to;
  const [first] = await read(low, 1);
  if (first && first.bytes > 0 && first.physicalOffset >= position) return low;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    const [entry] = await read(middle, 1);
    // A filler has no place: the search goes on left of it, at worst it begins too early.
    if (entry === undefined || entry.bytes === 0 || entry.physicalOffset >= position) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first message at or above the position; `undefined` when there is none. */
export async function firstAtOrAbove(
  read: ReadEntries,
  search: Search,
): Promise<QueueEntry | undefined> {
  for (let next = await searchFrom(read, search); ;) {
    const entries = await read(next, STEP_ENTRIES);
    const found = entries.find((it) => it.bytes > 0 && it.physicalOffset >= search.position);
    if (found !== undefined || entries.length === 0) return found;
    next = (entries[entries.length - 1]?.queueOffset ?? next) + 1;
  }
}
