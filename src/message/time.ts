/** `google.protobuf.Timestamp` and `Duration` as milliseconds. */

/** Both messages look like this: whole seconds and the nanoseconds above them. */
export interface SecondsAndNanos {
  readonly seconds: number;
  readonly nanos: number;
}

/** Milliseconds (a Timestamp's since the epoch), rounded down; an absent value is 0. */
export function toMs(value: SecondsAndNanos | null | undefined): number {
  return value ? value.seconds * 1000 + Math.floor(value.nanos / 1_000_000) : 0;
}

/** From milliseconds; both fields have the same sign, as Duration wants it. */
export function fromMs(ms: number): SecondsAndNanos {
  const seconds = Math.trunc(ms / 1000);
  return { seconds, nanos: Math.trunc(ms - seconds * 1000) * 1_000_000 };
}
