/** What replication asks of a store: the log as bytes, and what of it may be seen. */
import type { EmptyQueue } from './empty-queues';

export interface LogPiece {
  readonly position: number;
  /** Whole records; a blank one that ends the segment is there by its head only. */
  readonly bytes: Buffer;
  /** Damaged on disk: no records, to be kept as they are. */
  readonly damaged: boolean;
}

/** A piece, and where the next one begins. */
export interface FedPiece extends LogPiece {
  readonly next: number;
}

export interface DeletedTopic {
  readonly topic: string;
  /** Records of the topic below it belong to the deleted one. */
  readonly position: number;
}

/** What the log does not tell to whoever gets it from its beginning on. */
export interface BesideLog {
  readonly emptyQueues: readonly EmptyQueue[];
  readonly deletedTopics: readonly DeletedTopic[];
}

export interface ReplicatedLog {
  readonly segmentBytes: number;
  /** Where the log begins, and ends; up to where it is written, and on stable storage. */
  readonly minPosition: number;
  readonly endPosition: number;
  readonly writtenPosition: number;
  readonly syncedPosition: number;
  /** All that is visible below has its entries in queues. */
  readonly dispatchedPosition: number;

  /**
   * Called with each record that is followed, when it is appended; its bytes are valid during the call, and may
   * still be cut off. Answers how to call it no more.
   */
  onFollowed(listener: (record: Buffer) => void): () => void;

  /** Called when `writtenPosition` or `syncedPosition` has moved. Answers how to call it no more. */
  onProgress(listener: () => void): () => void;

  /**
   * Nothing beyond `position` becomes visible, nor `durable`, until this is called again; what is visible
   * stays so. `Infinity`, as at first: the flush mode alone decides.
   */
  confirm(position: number): void;

  /** Nobody who waits for `durable` gets it any more, but this: the store is to be closed. */
  abandon(reason: Error): void;

  /**
   * Appends bytes of the master's log; from now on the store takes no records of its own, and begins where its
   * master's log does, until `takeOver`.
   * @throws RangeError when they are not what follows the end of the log; nothing was appended then
   * @throws StatusError INTERNAL_SERVER_ERROR when the store is read-only or the disk full
   */
  follow(piece: LogPiece): void;

  /** The master's log begins here: what lies below may go. */
  followMin(position: number): void;

  /** Ends following: resolves when all of the log is confirmed and synced; records are taken from then on. */
  takeOver(): Promise<void>;

  /**
   * Written log from a record's first byte on, whole records, at most `mostBytes` unless the first one is longer.
   * @throws RangeError when the log begins behind `position`, or nothing is written there yet
   */
  read(position: number, mostBytes: number): Promise<FedPiece>;

  besideLog(): BesideLog;
}
