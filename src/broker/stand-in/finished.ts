/** What a replica finished while it stood in, as it is handed to the master. */
import type { FinishedQueue } from '../../api/replication-api';
import type { MessageStore } from '../../store/message-store';
import type { QueueRef } from '../pop/ledger-ops';
import type { JournalEntry } from './journal-entry';

/** Ranges of one message to the master. */
const MESSAGE_RANGES = 4096;

interface Finished extends QueueRef {
  readonly generation: number;
  below: number;
  readonly offsets: number[];
}

/**
 * What a journal tells to be finished, in pieces that are handed over one by one.
 * @param store that of the replica, its log cut to what the master has and nothing of the master's added since: what
 *   lies elsewhere there is not what was finished
 */
export function finishedIn(
  journal: Iterable<JournalEntry>,
  store: Pick<MessageStore, 'minOffset' | 'maxOffset'>,
): readonly (readonly FinishedQueue[])[] {
  const pieces: FinishedQueue[][] = [];
  let room = 0;
  for (const { offsets, below, ...queue } of collect(journal).values()) {
    const min = store.minOffset(queue.topic, queue.queueId);
    const max = store.maxOffset(queue.topic, queue.queueId);
    const kept = offsets.filter((offset) => offset >= min && offset < max);
    const ranges = rangesOf(kept.sort((a, b) => a - b));
    const to = Math.min(below, max);
    for (let at = 0; at === 0 ? to > 0 || ranges.length > 0 : at < ranges.length;) {
      if (room <= 0) {
        pieces.push([]);
        room = MESSAGE_RANGES;
      }
      const part = ranges.slice(at, at + room);
      pieces.at(-1)?.push({ ...queue, below: at === 0 ? to : 0, ranges: part });
      room -= Math.max(1, part.length);
      at += Math.max(1, part.length);
    }
  }
  return pieces;
}

function collect(journal: Iterable<JournalEntry>): ReadonlyMap<string, Finished> {
  const queues = new Map<string, Finished>();
  const keyOf = ({ group, topic, queueId }: QueueRef): string => `${group} ${topic} ${queueId}`;
  for (const entry of journal) {
    if (entry.kind === 'generation') {
      queues.set(keyOf(entry.of), { ...entry.of, below: 0, offsets: [] });
      continue;
    }
    for (const op of entry.ops) {
      if (op.kind !== 'ack' && op.kind !== 'expire') continue;
      const queue = queues.get(keyOf(op));
      if (queue === undefined) continue;
      if (op.kind === 'expire') queue.below = Math.max(queue.below, op.min);
      else for (const offset of op.offsets) queue.offsets.push(offset);
    }
  }
  return queues;
}

/** Ascending offsets, some of them twice, as first ones and how many follow on each. */
function rangesOf(offsets: readonly number[]): FinishedQueue['ranges'] {
  const ranges: { from: number; count: number }[] = [];
  for (const offset of offsets) {
    const last = ranges.at(-1);
    const end = last === undefined ? -1 : last.from + last.count;
    if (offset < end) continue;
    if (last !== undefined && end === offset) last.count++;
    else ranges.push({ from: offset, count: 1 });
  }
  return ranges;
}
