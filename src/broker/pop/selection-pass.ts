/** What choosing the messages of one pop works on. */
import type { PopRequest } from '../../api/broker-api';
import type { RecordFilter } from '../../message/filter';
import type { QueueEntry } from '../../store/message-store';
import type { Wanted } from '../filter/judge';
import type { EntryReader, Loaded } from './entry-reader';
import type { Holder } from './holder';
import type { MessageGroup } from './message-groups';
import type { QueueLedger } from './queue-ledger';

/** One chosen message. */
export interface ChosenMessage {
  readonly ledger: QueueLedger;
  readonly entry: QueueEntry;
  readonly attempt: number;
  readonly nonce: number;
  /** Set when the record is known to match the filter. */
  readonly judged?: boolean;
}

/** Queues to look at: all below a number, or those of lite topics, whose messages are delivered in order. */
export type Queues = number | readonly number[];

export type Selection = readonly ChosenMessage[];

/** One queue's part of a selection. */
export interface Pass {
  readonly topic: string;
  readonly ledger: QueueLedger;
  readonly request: PopRequest;
  readonly holder: Holder;
  readonly filter: RecordFilter | undefined;
  readonly draft: Draft;
  readonly reader: EntryReader;
  /** Which new entries the filter lets through; `undefined` for all. */
  readonly wanted: Wanted | undefined;
  /** Whether new messages are delivered in the order of their message groups. */
  readonly fifo: boolean;
  /** Whether all messages of the queue are one message group. */
  readonly wholeQueue: boolean;
  /** Message groups all of whose unfinished messages are in this answer. */
  readonly own: Set<MessageGroup>;
  /** New messages that a FIFO group of consumers has come to. */
  readonly looked: { readonly offset: number; readonly group: number }[];
}

export interface Draft {
  readonly picks: ChosenMessage[];
  bytes: number;
  /** Whether the pick is a message that must be alone. */
  large: boolean;
  /** Whether a message was left out because it did not fit beside the others. */
  full: boolean;
  /** Set when entries must come from a file before more can be said. */
  cold: Promise<Loaded> | undefined;
  /** Whether a queue has more to examine than one turn may. */
  unfinished: boolean;
}

/** Whether new messages of a pass have been compared with the filter by their records. */
export function isJudged({ filter }: Pass): boolean {
  return filter !== undefined && filter.codes === undefined;
}
