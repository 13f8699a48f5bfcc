/**
 * What each receive was given, by its attempt id, so that a client whose answer got lost is given the
 * same messages again, with the same handles and deadlines. The newest only; an older one repeated is a
 * new receive.
 */
import type { PopRequest } from '../../api/broker-api';
import { OldestFirst } from '../../message/oldest-first';
import type { GroupTopic } from './group-topic';

/** Stands for receives without an attempt id. */
export const NO_ATTEMPT = 0;

/** Attempts and their messages kept, at most. */
const MAX_ATTEMPTS = 65_536;
const MAX_DELIVERIES = 262_144;
/** Deliveries that were answered twice, kept at most. */
const MAX_REPEATED = 16_384;

export interface AttemptDelivery {
  readonly queueId: number;
  readonly offset: number;
  readonly attempt: number;
  readonly nonce: number;
}

export interface Attempt {
  readonly key: number;
  readonly group: string;
  readonly topic: string;
  readonly generation: number;
  readonly deliveries: readonly AttemptDelivery[];
}

export class Attempts {
  private readonly attempts = new OldestFirst<number, Attempt>();
  private readonly repeated = new OldestFirst<number, true>();
  private kept = 0;

  /** Adds to what an attempt was given; what was given again, or is told again by a snapshot, counts once. */
  note(key: number, ledgers: GroupTopic, deliveries: readonly AttemptDelivery[]): void {
    if (key === NO_ATTEMPT || deliveries.length === 0) return;
    const { group, topic, generation } = ledgers;
    const before = this.find(key, ledgers)?.deliveries ?? [];
    this.forget(key);
    const all = [...before.filter((one) => !deliveries.some(isOf(one))), ...deliveries];
    this.attempts.set(key, { key, group, topic, generation, deliveries: all });
    this.kept += all.length;
    while (this.attempts.size > MAX_ATTEMPTS || this.kept > MAX_DELIVERIES) {
      this.forget(this.attempts.oldest ?? NO_ATTEMPT);
    }
  }

  find(key: number, { group, topic, generation }: GroupTopic): Attempt | undefined {
    const found = key === NO_ATTEMPT ? undefined : this.attempts.get(key);
    const same = found?.group === group && found.topic === topic && found.generation === generation;
    return same ? found : undefined;
  }

  all(): Iterable<Attempt> {
    return this.attempts.values();
  }

  /** Notes that a delivery is being answered once more: its first answer's loss is no reason to give it back. */
  repeat(nonce: number): void {
    this.repeated.set(nonce, true);
    if (this.repeated.size > MAX_REPEATED) this.repeated.delete(this.repeated.oldest ?? nonce);
  }

  isRepeated(nonce: number): boolean {
    return this.repeated.has(nonce);
  }

  private forget(key: number): void {
    const found = this.attempts.get(key);
    if (found === undefined) return;
    this.kept -= found.deliveries.length;
    this.attempts.delete(key);
  }
}

/** Whether a delivery is of the same message. */
function isOf({ queueId, offset }: AttemptDelivery): (other: AttemptDelivery) => boolean {
  return (other) => other.queueId === queueId && other.offset === offset;
}

/** 52 bits of client, group, topic and attempt id; `NO_ATTEMPT` without an attempt id. */
export function attemptKey({ clientId, group, topic, attemptId }: PopRequest): number {
  if (attemptId === '') return NO_ATTEMPT;
  const text = `${clientId}\n${group}\n${topic}\n${attemptId}`;
  let first = 0x811c9dc5;
  let second = 0x2545f491;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    first = Math.imul(first ^ unit, 0x01000193);
    second = Math.imul(second + unit, 0x9e3779b1) ^ (second >>> 15);
  }
  return (first >>> 0) * 2 ** 20 + (second >>> 12) || 1;
}
