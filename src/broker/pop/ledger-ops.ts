/**
 * Changes of ledgers as the log keeps them: the body of a `rmq_sys_POP_LEDGER` record.
 *
 *     body     version 1, op*
 *     op       kind 1, fields (numbers are varints where no size is given)
 *     name     0 length bytes (a new one of this record), or k for the k-th new one before
 *
 *     start    group topic generation count offset*                    where a group begins on a topic
 *     look     group topic queue base count (delta group4)*              taken in by a FIFO pop, in turn for delivery
 *     pop      group topic queue client flags [attempt id] invisibleMs nonce4 next base count (delta attempt)*
 *     ack      group topic queue base count delta*
 *     change   group topic queue offset invisibleMs nonce4 attempt
 *     release  group topic queue delayMs base count delta*
 *     expire   group topic queue min                                   retention removes all below min
 *     queue    group topic queue generation committed next flags [resets] count (offset attempt nonce4 client flags [group4] remainingMs)*
 *     attempt  group topic key count (queue offset attempt nonce4)*     part of a snapshot
 *     dead     group topic queue generation count offset*               part of a snapshot: went to the dead letter queue
 *     open     group topic since opened                                generations of a topic that has grown
 *     end      begin                                                   a snapshot that began there is whole
 *
 * `look`, `pop`: every offset from the ledger's `next` to the new one that is not named is finished
 * (filtered). `group4` is the hash of a message group, 0 for none. Flags of a row: 1 renew,
 * 2 group4 follows, 4 the delivery does not count; of a pop: 1 renew, 2 the key of its attempt id follows.
 * `queue` replaces all that is known of one queue: a snapshot is one for each queue, then `end`. A queue
 * with many rows takes several, flag 1 is set in all but the last; it counts only when the last is there.
 * Flag 2: the queue was reset, `resets` times. A reset logs it, too, without rows.
 */

import type { AttemptDelivery } from './attempts';

export const LEDGER_RECORD_VERSION = 1;

export interface QueueRef {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
}

export interface Lease {
  readonly client: string;
  readonly autoRenew: boolean;
}

export interface SnapshotRow extends Lease {
  readonly offset: number;
  readonly attempt: number;
  readonly nonce: number;
  /** Whether the delivery was taken off the attempts. */
  readonly givenBack: boolean;
  /** Hash of the message group whose order is kept, 0 for none. */
  readonly group: number;
  /** Milliseconds until it comes again; 0 when ready. */
  readonly remainingMs: number;
}

/** Rows of a snapshot that was logged so long ago. */
export interface AgedRows {
  /** By offset, ascending. */
  readonly rows: readonly SnapshotRow[];
  readonly ageMs: number;
}

/** What is left of a duration that was logged so long ago. */
export function remainingOf(durationMs: number, ageMs: number): number {
  return Math.min(durationMs, Math.max(0, durationMs - ageMs));
}

export interface StartOp {
  readonly kind: 'start';
  readonly group: string;
  readonly topic: string;
  readonly generation: number;
  /** First offset to deliver, by queue id; queues beyond start at 0. */
  readonly offsets: readonly number[];
}

export interface LookOp extends QueueRef {
  readonly kind: 'look';
  /** Ascending, all at or above the ledger's `next`. */
  readonly messages: readonly { readonly offset: number; readonly group: number }[];
}

export interface PopOp extends QueueRef, Lease {
  readonly kind: 'pop';
  /** See ./attempts; 0 for none. */
  readonly attemptKey: number;
  readonly invisibleMs: number;
  /** Nonce of the first delivery; the others follow by one. */
  readonly nonce: number;
  readonly next: number;
  /** Ascending within redelivered ones and within new ones. */
  readonly deliveries: readonly { readonly offset: number; readonly attempt: number }[];
}

/** What a receive with an attempt id was given, where it is still of use; part of a snapshot. */
export interface AttemptOp {
  readonly kind: 'attempt';
  readonly group: string;
  readonly topic: string;
  readonly key: number;
  readonly deliveries: readonly AttemptDelivery[];
}

export interface AckOp extends QueueRef {
  readonly kind: 'ack';
  readonly offsets: readonly number[];
}

export interface ChangeOp extends QueueRef {
  readonly kind: 'change';
  readonly offset: number;
  readonly invisibleMs: number;
  readonly nonce: number;
  readonly attempt: number;
}

export interface ReleaseOp extends QueueRef {
  readonly kind: 'release';
  readonly delayMs: number;
  readonly offsets: readonly number[];
}

export interface ExpireOp extends QueueRef {
  readonly kind: 'expire';
  /** All offsets below are finished, delivered or not. */
  readonly min: number;
}

export interface QueueOp extends QueueRef {
  readonly kind: 'queue';
  /** Of the group on the topic. */
  readonly generation: number;
  /** How often the queue was reset. */
  readonly resets: number;
  readonly committed: number;
  readonly next: number;
  /** Whether the next operation holds further rows of the queue. */
  readonly more: boolean;
  readonly rows: readonly SnapshotRow[];
}

/** Finished messages that went to the dead letter queue, oldest first; part of a snapshot. */
export interface DeadOp extends QueueRef {
  readonly kind: 'dead';
  readonly generation: number;
  readonly offsets: readonly number[];
}

/** What a group of consumers has to do with the generations of a topic that has grown; see ../growth. */
export interface OpenOp {
  readonly kind: 'open';
  readonly group: string;
  readonly topic: string;
  /** The one in which it began, here or on an earlier broker. */
  readonly since: number;
  /** The newest one that it has finished on all brokers. */
  readonly opened: number;
}

/** A group of consumers is forgotten on a topic. */
export interface DropOp {
  readonly kind: 'drop';
  readonly group: string;
  readonly topic: string;
}

export interface EndOp {
  readonly kind: 'end';
  /** Physical offset of the snapshot's first record. */
  readonly begin: number;
}

export type LedgerOp =
  | StartOp
  | LookOp
  | PopOp
  | AckOp
  | ChangeOp
  | ReleaseOp
  | ExpireOp
  | QueueOp
  | OpenOp
  | DropOp
  | EndOp
  | AttemptOp
  | DeadOp;

/** Kinds by the number that stands for them. */
export const LEDGER_OP_KINDS: readonly LedgerOp['kind'][] = [
  'start',
  'pop',
  'ack',
  'change',
  'release',
  'queue',
  'end',
  'look',
  'expire',
  'attempt',
  'dead',
  'open',
  'drop',
];
