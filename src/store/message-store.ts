/**
 * What the broker asks of its store: one CommitLog, and a ConsumeQueue for each (topic, queue).
 * `openStore` (./open-store) makes one; docs/data-files.md draws the bytes.
 */
import type { RecordDraft } from '../message/record-draft';
import type { ReplicatedLog } from './replicated-log';

/** Where an appended record went. */
export interface Appended {
  readonly queueOffset: number;
  readonly physicalOffset: number;
  /** First byte behind the record: the position to wait for. */
  readonly endOffset: number;
  readonly storeTimestamp: number;
}

/**
 * One ConsumeQueue entry. One with 0 `bytes` is a filler: a slot whose record was damaged on disk
 * and is lost. It counts as acknowledged; `record` refuses it.
 */
export interface QueueEntry {
  readonly queueOffset: number;
  /** Position of the record in the CommitLog; 0 for a filler. */
  readonly physicalOffset: number;
  /** Length of the record; 0 for a filler. */
  readonly bytes: number;
  /** Java's hash of the tag, 0 without one. */
  readonly tagsCode: number;
}

/** Messages of a queue: offsets `from` .. `to`. */
export interface MessageRange {
  readonly topic: string;
  readonly queueId: number;
  readonly from: number;
  readonly to: number;
}

/** A removal of old segments, before anything is removed. */
export interface RemovalPlan {
  /** All of the log below this position goes. */
  readonly below: number;
  /** Whether messages go before their time, because the disk is full. */
  readonly forced: boolean;
  /** Bytes that messages saved from it may take when they are appended anew: what the disk has room for. */
  readonly copyBytes: number;
  /** What queues lose; it can still be read. */
  readonly queues: readonly MessageRange[];
}

/** What to find messages by; store times are milliseconds, both ends included. */
export interface MessageQuery {
  /** Where to look, 1 to 1000; a search by id may not know the topic. */
  readonly topics: readonly string[];
  /** One of the message's keys, or its id. */
  readonly key: string;
  readonly by: 'key' | 'id';
  /** 1 to 64; the newest are answered. */
  readonly maxMessages: number;
  readonly beginMs: number;
  readonly endMs: number;
}

export interface FoundMessages {
  /** Stored records, the newest first. */
  readonly records: readonly Buffer[];
  /**
   * Whether these are all: false when more would match, when the search was too long, and while the
   * index is built anew.
   */
  readonly complete: boolean;
}

export interface MessageFinder {
  /**
   * Finds messages by key or id, those that the index has not reached yet among them. What is
   * answered has been read and compared with the query.
   * @throws StatusError BAD_REQUEST when the query is out of its bounds, UNSUPPORTED without an
   *   index, TOO_MANY_REQUESTS when 64 searches run or wait, INTERNAL_SERVER_ERROR when the index
   *   cannot be read
   */
  find(query: MessageQuery): Promise<FoundMessages>;

  /** The record that begins at a position of the log; `undefined` when none does that readers may see. */
  at(physicalOffset: number): Promise<Buffer | undefined>;

  /** The record of a queue's slot; `undefined` when it is lost, deleted or not there yet. */
  of(topic: string, queueId: number, queueOffset: number): Promise<Buffer | undefined>;

  /**
   * Finds an offset by store time. `lower`: the first message stored at `timeMs` or later, `maxOffset`
   * without one. `upper`: the last one stored at `timeMs` or before, `minOffset` without one.
   */
  offsetByTime(
    topic: string,
    queueId: number,
    timeMs: number,
    boundary: 'lower' | 'upper',
  ): Promise<number>;
}

export interface MessageStore {
  /** Whether another program, Apache RocketMQ, has made the directory or had it since we did. */
  readonly visited: boolean;

  /**
   * Appends a record to the log's tail and gives it the next offset of its queue. The record is
   * written and synced later, with all others of this turn of the event loop: wait with `written`
   * or `durable`.
   * @param system whether the record is the broker's own, not a client's message
   * @throws StatusError TOO_MANY_REQUESTS when unwritten bytes are at their bound (never for
   *   `system` records), INTERNAL_SERVER_ERROR when the store is read-only or the disk full, with the
   *   reason (`system` records have a reserve of one segment on a full disk)
   */
  append(draft: RecordDraft, queueId: number, system?: boolean): Appended;

  /**
   * Resolves when `write` has returned for all bytes below `endOffset`, under `buffered` at once;
   * rejects when it failed.
   */
  written(endOffset: number): Promise<void>;
  /**
   * Resolves when all below `endOffset` is as durable as the flush mode promises: `visible`, and
   * under `buffered` at once; rejects when it failed.
   */
  durable(endOffset: number): Promise<void>;

  /** Writes and syncs all below `endOffset`, whatever the flush mode; rejects when that failed. */
  synced(endOffset: number): Promise<void>;

  /** Readers may see what lies below this position. Never goes back. */
  readonly visible: number;
  /** Called after `visible` has moved, once for each queue that gained entries, with its new maximum offset. Answers how to call it no more. */
  onArrival(listener: (topic: string, queueId: number, maxOffset: number) => void): () => void;

  /** First offset still kept, and one beyond the last visible one; 0 and 0 for a queue never written. */
  minOffset(topic: string, queueId: number): number;
  maxOffset(topic: string, queueId: number): number;

  /** The offset that the next record appended to a queue gets; what is not visible yet counts. */
  nextOffset(topic: string, queueId: number): number;

  /**
   * Visible entries from `from` on, at most `count`, in order; fewer at the end of the queue. A
   * `from` below the minimum offset counts as that. An array when they are in memory, a promise
   * when a file must be read. Lost slots are among them, as fillers.
   */
  entries(
    topic: string,
    queueId: number,
    from: number,
    count: number,
  ): readonly QueueEntry[] | Promise<readonly QueueEntry[]>;

  /**
   * The stored bytes of one record: a view of memory that nobody overwrites, or a promise when a
   * file must be read. The record's topic, queue and offset have been compared with the entry's.
   * @throws StatusError INTERNAL_SERVER_ERROR when what lies there is not that record
   */
  record(topic: string, queueId: number, entry: QueueEntry): Buffer | Promise<Buffer>;

  /** Finds messages by what is known of them. */
  readonly finder: MessageFinder;

  /**
   * Reads all records of some topics in log order, those at or above the physical offset `from` and
   * below `to`, and calls `visit` with each; its bytes are valid during the call. Lost slots, and
   * records whose checksum is wrong (they are logged), are left out. For rebuilding views.
   * @param to default: all that is visible now
   */
  replay(
    topics: readonly string[],
    from: number,
    visit: (record: Buffer) => void,
    to?: number,
  ): Promise<void>;

  /**
   * Removes a topic's queues; offsets of a topic of that name start at 0 again. Until it resolves
   * the topic takes no records: `append` throws TOPIC_NOT_FOUND.
   */
  deleteTopic(topic: string): Promise<void>;

  /**
   * Called before old segments are removed, which waits until it resolves: whoever has state that
   * lies only there writes it anew and waits until that is `synced`. When it rejects nothing is
   * removed, and it is asked again.
   */
  onRemoval(prepare: (plan: RemovalPlan) => Promise<void>): void;
  /** Called when messages begin to be refused because the disk is full (with the reason), and when that ends. */
  onFull(listener: (reason: string | undefined) => void): void;

  /** The log for replicas. */
  readonly replicated: ReplicatedLog;

  /** The reason why nothing can be appended any more, `undefined` while all is well. */
  readonly failure: Error | undefined;
  /** Called once, when a write or a sync has failed and the store takes no more records. */
  onFailure(listener: (failure: Error) => void): void;

  /** Writes and syncs all, leaves the clean mark, frees the directory. */
  close(): Promise<void>;
}

/**
 * - `sync`: group commit, answers wait for fdatasync.
 * - `async`: answers wait for write; synced every 500 ms.
 * - `buffered`: answers wait for nothing; written every 200 ms, synced as `async`. Readers see what is written.
 */
export type FlushMode = 'sync' | 'async' | 'buffered';
