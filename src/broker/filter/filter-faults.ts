/**
 * What filters could not evaluate (a text where a number is needed): counted for each group and topic,
 * and logged. That part of the expression counts as unknown; a message that does not match because of
 * it is passed over, as one that does not match at all.
 */
import type { Logger } from 'pino';
import type { FilterFault } from '../../api/broker-api';
import { OldestFirst } from '../../message/oldest-first';
import type { Clock } from '../../platform/platform';

/** Groups and topics that are counted apart, at most; the longest known goes for a new one. */
const MAX_PAIRS = 10_000;
/** A group and topic is logged at most this often. */
const LOG_EVERY_MS = 60_000;

interface Entry {
  readonly group: string;
  readonly topic: string;
  faults: number;
  lastFault: string;
  lastQueueId: number;
  lastOffset: number;
  lastWallMs: number;
  loggedMs: number;
}

/** Which message a fault is about. */
export interface FaultPlace {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
  readonly queueOffset: number;
}

export class FilterFaults {
  private readonly entries = new OldestFirst<string, Entry>();

  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  note(place: FaultPlace, fault: string): void {
    const entry = this.entryOf(place);
    entry.faults++;
    entry.lastFault = fault;
    entry.lastQueueId = place.queueId;
    entry.lastOffset = place.queueOffset;
    entry.lastWallMs = this.clock.wallMs();
    const now = this.clock.monotonicMs();
    if (now - entry.loggedMs < LOG_EVERY_MS) return;
    entry.loggedMs = now;
    this.log.warn({ ...place, fault, faults: entry.faults }, 'filter not evaluated on a message');
  }

  /** All that was counted since the start, by group and topic. */
  list(): readonly FilterFault[] {
    return [...this.entries.values()].map(({ loggedMs: _, ...fault }) => fault);
  }

  /** A deleted group or topic. */
  forget(matches: (place: { readonly group: string; readonly topic: string }) => boolean): void {
    for (const entry of this.entries.values()) {
      if (matches(entry)) this.entries.delete(keyOf(entry));
    }
  }

  private entryOf({ group, topic }: FaultPlace): Entry {
    const key = keyOf({ group, topic });
    let entry = this.entries.get(key);
    if (entry !== undefined) return entry;
    if (this.entries.size >= MAX_PAIRS) {
      this.entries.delete(this.entries.oldest ?? key);
    }
    entry = {
      ...{ group, topic, faults: 0, lastFault: '', lastQueueId: 0, lastOffset: 0, lastWallMs: 0 },
      loggedMs: -Infinity,
    };
    this.entries.set(key, entry);
    return entry;
  }
}

function keyOf({ group, topic }: { readonly group: string; readonly topic: string }): string {
  return `${group} ${topic}`;
}
