/** Transactions that have not ended: the view of the half messages in the log, in memory. */
import type { Due } from './due-times';

/**
 * - `waiting`: for the time of its next check.
 * - `ready`: to be asked about, as soon as a proxy has a producer.
 * - `asked`: a proxy has it, and has not said what became of it.
 */
export type CheckState = 'waiting' | 'ready' | 'asked';

export interface Pending extends Due {
  readonly topic: string;
  readonly queueId: number;
  readonly id: string;
  /** Where the half message lies; another place once it was written anew. */
  queueOffset: number;
  physicalOffset: number;
  bytes: number;
  tagsCode: number;
  /** When it was first stored, by the log's clock, milliseconds. */
  readonly storedMs: number;
  /** Age before the first check, milliseconds; 0 for the broker's setting. */
  readonly immunityMs: number;
  /** Checks that reached a producer. */
  checks: number;
  /** When the last of these was, by the log's clock; 0 for never. */
  checkedMs: number;
  state: CheckState;
  /** The proxy that had the last check, '' for none. */
  lastProxy: string;
  /** A decision that is being made; it settles when that is done, or has failed. */
  deciding: Promise<unknown> | undefined;
}

/** What is known of a half message when it comes, or comes again after a restart. */
export type PendingPlace = Pick<
  Pending,
  | 'topic'
  | 'queueId'
  | 'id'
  | 'queueOffset'
  | 'physicalOffset'
  | 'bytes'
  | 'tagsCode'
  | 'storedMs'
  | 'immunityMs'
> & { readonly checks?: number; readonly checkedMs?: number };

export class PendingTable {
  private readonly byKey = new Map<string, Pending>();
  /** By the queue offset of the half message: checks in the log and other programs name that. */
  private readonly byOffset = new Map<number, Pending>();

  get size(): number {
    return this.byKey.size;
  }

  get(topic: string, id: string): Pending | undefined {
    return this.byKey.get(keyOf(topic, id));
  }

  at(queueOffset: number): Pending | undefined {
    return this.byOffset.get(queueOffset);
  }

  has(pending: Pending): boolean {
    return this.byKey.get(keyOf(pending.topic, pending.id)) === pending;
  }

  /** Takes a half message; one that is known has moved. */
  put(place: PendingPlace): Pending {
    const known = this.get(place.topic, place.id);
    if (known !== undefined) {
      this.move(known, place);
      return known;
    }
    const pending: Pending = {
      checks: 0,
      checkedMs: 0,
      ...place,
      dueStep: -1,
      state: 'waiting',
      lastProxy: '',
      deciding: undefined,
    };
    this.byKey.set(keyOf(place.topic, place.id), pending);
    this.byOffset.set(pending.queueOffset, pending);
    return pending;
  }

  /** The half message was written anew. */
  move(
    pending: Pending,
    place: Pick<Pending, 'queueOffset' | 'physicalOffset' | 'bytes' | 'tagsCode'>,
  ): void {
    this.byOffset.delete(pending.queueOffset);
    pending.queueOffset = place.queueOffset;
    pending.physicalOffset = place.physicalOffset;
    pending.bytes = place.bytes;
    pending.tagsCode = place.tagsCode;
    this.byOffset.set(pending.queueOffset, pending);
  }

  delete(pending: Pending): void {
    this.byKey.delete(keyOf(pending.topic, pending.id));
    this.byOffset.delete(pending.queueOffset);
  }

  /** In the order in which they began. */
  all(): IterableIterator<Pending> {
    return this.byKey.values();
  }
}

/** A topic has no blank in it. */
export function keyOf(topic: string, id: string): string {
  return `${topic} ${id}`;
}
