/**
 * How far V8's heap grows before all of it is collected. Left alone, a small heap is collected once it
 * has grown by about half, and Buffers count: a broker that lives on 16 MB and passes 20,000 messages a
 * second through Buffers is collected three times a second, a seventh of all its work.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import type { Timers } from './platform';

/** A small heap may grow to four times its size, which is also the most that V8 grants by itself. */
const SMALL_HEAP_GROWTH = '--heap-growing-percent=300';
/** V8's own choice. */
const OWN_GROWTH = '--heap-growing-percent=0';
/** A heap of more is left to V8: four times of much is too much. */
const SMALL_HEAP_BYTES = 128 * 1024 * 1024;
const LOOK_INTERVAL_MS = 5_000;

/** What `growSmallHeaps` asks of V8; for tests. */
export interface HeapControl {
  usedBytes(): number;
  setFlags(flags: string): void;
}

const v8: HeapControl = {
  usedBytes: () => getHeapStatistics().used_heap_size,
  setFlags: setFlagsFromString,
};

/** Lets the heap of this process grow faster for as long as it is small. For processes that are ours alone: it sets V8's flags. */
export function growSmallHeaps(timers: Timers, heap: HeapControl = v8): void {
  const look = (): void => {
    heap.setFlags(heap.usedBytes() < SMALL_HEAP_BYTES ? SMALL_HEAP_GROWTH : OWN_GROWTH);
    timers.after(LOOK_INTERVAL_MS, look);
  };
  look();
}
