/**
 * Reads the records of some topics in log order. Each of their queues has a cursor; a heap gives
 * the next entry by physical offset; entries that lie near each other are read from the log at once.
 */
import type { Logger } from 'pino';
import { isRecordIntact } from '../message/record';
import type { ConsumeQueue } from './consume-queue';
import type { ConsumeQueues } from './consume-queues';
import type { QueueEntry } from './message-store';
import { searchFrom } from './queue-search';
import { isRecordOf } from './record-check';
import type { Segments } from './segments';

const ENTRIES_A_READ = 1024;
const ENTRIES_A_BATCH = 1024;
/** Largest read from the log, unless one record is larger; and the largest hole read over. */
const RANGE_BYTES = 2 * 1024 * 1024;
const HOLE_BYTES = 32 * 1024;
const FIRST_BUFFER_BYTES = 64 * 1024;

interface Cursor {
  readonly queue: ConsumeQueue;
  /** Physical offset below which messages are left out. */
  readonly from: number;
  /** End of the walk: what becomes visible later is not part of it. */
  readonly end: number;
  /** Offset of the first entry behind `entries`. */
  next: number;
  entries: readonly QueueEntry[];
  at: number;
}

interface Found {
  readonly queue: ConsumeQueue;
  readonly entry: QueueEntry;
}

export interface ReplaySource {
  readonly queues: ConsumeQueues;
  readonly segments: Segments;
  readonly log: Logger;
}

/**
 * Calls `visit` with each record of `topics` at or above `from` and below `to` that is visible at the time of
 * the call, in log order. A record that is damaged is logged and left out.
 */
export async function replayTopics(
  source: ReplaySource,
  topics: readonly string[],
  { from, to }: { readonly from: number; readonly to: number },
  visit: (record: Buffer) => void,
): Promise<void> {
  const heap = await openCursors(source.queues, topics, from);
  const reader = new RangeReader(source.segments);
  let ahead: Loading | undefined;
  for await (const range of ranges(source.queues, heap, to)) {
    const loading = reader.begin(range);
    if (ahead !== undefined) await visitRange(source, ahead, visit);
    ahead = loading;
  }
  if (ahead !== undefined) await visitRange(source, ahead, visit);
}

/** What one read of the log covers, and the bytes when they are here. */
interface Loading {
  readonly range: readonly Found[];
  readonly bytes: Buffer;
  readonly filled: Promise<number>;
}

/** Reads one range while the one before is looked at, into two buffers in turn: fresh memory costs more than the read. */
class RangeReader {
  private current = Buffer.alloc(0);
  private other = Buffer.alloc(0);

  constructor(private readonly segments: Segments) {}

  /** Begins to read; the bytes are valid until the call after the next. */
  begin(range: readonly Found[]): Loading {
    const base = range[0]?.entry.physicalOffset ?? 0;
    const last = range[range.length - 1]?.entry;
    const length = last ? last.physicalOffset + last.bytes - base : 0;
    [this.current, this.other] = [this.other, this.current];
    if (this.current.length < length) {
      this.current = Buffer.allocUnsafeSlow(Math.max(length, FIRST_BUFFER_BYTES));
    }
    const bytes = this.current.subarray(0, length);
    const filled = this.segments.read(bytes, base);
    // Whoever visits the range is told.
    filled.catch(() => undefined);
    return { range, bytes, filled };
  }
}

/** All that is left of some cursors, in ranges that one read covers. */
async function* ranges(
  queues: ConsumeQueues,
  heap: Cursor[],
  to: number,
): AsyncGenerator<readonly Found[]> {
  for (let batch = await nextBatch(queues, heap, to); batch.length > 0;) {
    for (let i = 0; i < batch.length;) {
      const range = rangeFrom(batch, i);
      yield range;
      i += range.length;
    }
    batch = await nextBatch(queues, heap, to);
  }
}

async function openCursors(
  queues: ConsumeQueues,
  topics: readonly string[],
  from: number,
): Promise<Cursor[]> {
  const heap: Cursor[] = [];
  for (const queue of [...new Set(topics)].flatMap((topic) => queues.ofTopic(topic))) {
    const next = await searchFrom((start, count) => queues.entries(queue, start, count), {
      from: queue.min,
      to: queue.max,
      position: from,
    });
    const cursor: Cursor = { queue, from, end: queue.max, next, entries: [], at: 0 };
    if (await advance(queues, cursor)) push(heap, cursor);
  }
  return heap;
}

/** Moves a cursor to its next message; false at the end. */
async function advance(queues: ConsumeQueues, cursor: Cursor): Promise<boolean> {
  while (!step(cursor)) {
    const count = Math.min(ENTRIES_A_READ, cursor.end - cursor.next);
    if (count <= 0) return false;
    cursor.entries = await queues.entries(cursor.queue, cursor.next, count);
    if (cursor.entries.length === 0) return false;
    cursor.next += count;
    cursor.at = -1;
  }
  return true;
}

/** Moves a cursor to the next message that it has in memory; false without one. */
function step(cursor: Cursor): boolean {
  for (cursor.at++; cursor.at < cursor.entries.length; cursor.at++) {
    const entry = cursor.entries[cursor.at];
    if (entry && entry.bytes > 0 && entry.physicalOffset >= cursor.from) return true;
  }
  return false;
}

/** Takes the next entries of all cursors below `to`, by physical offset. */
async function nextBatch(queues: ConsumeQueues, heap: Cursor[], to: number): Promise<Found[]> {
  const batch: Found[] = [];
  while (batch.length < ENTRIES_A_BATCH) {
    const cursor = pop(heap);
    const entry = cursor?.entries[cursor.at];
    if (cursor === undefined || entry === undefined || entry.physicalOffset >= to) break;
    batch.push({ queue: cursor.queue, entry });
    if (step(cursor) || (await advance(queues, cursor))) push(heap, cursor);
  }
  return batch;
}

/** The entries from `start` on that one read covers. */
function rangeFrom(batch: readonly Found[], start: number): readonly Found[] {
  const first = batch[start];
  if (first === undefined) return [];
  let count = 1;
  let end = first.entry.physicalOffset + first.entry.bytes;
  for (let next = batch[start + count]; next; next = batch[start + ++count]) {
    const { physicalOffset, bytes } = next.entry;
    const hole = physicalOffset - end;
    const span = physicalOffset + bytes - first.entry.physicalOffset;
    if (hole < 0 || hole > HOLE_BYTES || span > RANGE_BYTES) break;
    end = physicalOffset + bytes;
  }
  return batch.slice(start, start + count);
}

async function visitRange(
  source: ReplaySource,
  { range, bytes, filled: reading }: Loading,
  visit: (record: Buffer) => void,
): Promise<void> {
  const base = range[0]?.entry.physicalOffset ?? 0;
  // A read ends with its segment, and so does the last record before it.
  let filled = await reading;
  for (const { queue, entry } of range) {
    const at = entry.physicalOffset - base;
    if (at + entry.bytes > filled && filled < bytes.length) {
      filled = at + (await source.segments.read(bytes.subarray(at), entry.physicalOffset));
    }
    const record = bytes.subarray(at, Math.min(filled, at + entry.bytes));
    if (isRecordOf(record, queue.topicBytes, queue.queueId, entry) && isIntact(record)) {
      visit(record);
    } else {
      const { topic, queueId } = queue;
      source.log.error({ topic, queueId, ...entry }, 'a damaged record is left out of a replay');
    }
  }
}

function isIntact(record: Buffer): boolean {
  try {
    return isRecordIntact(record, 0);
  } catch {
    return false;
  }
}

function placeOf(cursor: Cursor | undefined): number {
  return cursor?.entries[cursor.at]?.physicalOffset ?? Infinity;
}

/** Heap of cursors, the one with the smallest physical offset first. */
function push(heap: Cursor[], cursor: Cursor): void {
  let at = heap.length;
  const place = placeOf(cursor);
  while (at > 0) {
    const parent = (at - 1) >>> 1;
    const above = heap[parent];
    if (above === undefined || placeOf(above) <= place) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = cursor;
}

function pop(heap: Cursor[]): Cursor | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  const place = placeOf(last);
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const child = placeOf(heap[left + 1]) < placeOf(heap[left]) ? left + 1 : left;
    const below = heap[child];
    if (below === undefined || placeOf(below) >= place) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
  return first;
}
