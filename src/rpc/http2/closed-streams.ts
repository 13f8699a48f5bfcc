/** Streams remembered after they closed; a peer's frames may still be on their way for as long. */
const REMEMBERED = 2048;

/** Why a stream is gone: what a late frame for it means hangs on that. */
export const Closed = {
  /** Never open, or forgotten. */
  UNKNOWN: 0,
  /** Both sides had ended. */
  DONE: 1,
  /** The peer reset it: it knows, and may send nothing more. */
  BY_PEER: 2,
  /** We reset it: what comes was sent before the peer knew, and is dropped. */
  BY_US: 3,
} as const;

export type Closed = (typeof Closed)[keyof typeof Closed];

/** The last streams that closed on a connection, in a ring. Asked only about frames that are late or wrong. */
export class ClosedStreams {
  private ids = new Uint32Array(64);
  private reasons = new Uint8Array(64);
  private next = 0;

  add(streamId: number, reason: Closed): void {
    if (this.next === this.ids.length) this.wrap();
    this.ids[this.next] = streamId;
    this.reasons[this.next++] = reason;
  }

  reason(streamId: number): Closed {
    const place = this.ids.indexOf(streamId);
    return place < 0 ? Closed.UNKNOWN : ((this.reasons[place] ?? Closed.UNKNOWN) as Closed);
  }

  /** Grows while small, so that a connection of few streams stays small; then starts over. */
  private wrap(): void {
    if (this.ids.length >= REMEMBERED) {
      this.next = 0;
      return;
    }
    const ids = new Uint32Array(this.ids.length * 2);
    const reasons = new Uint8Array(ids.length);
    ids.set(this.ids);
    reasons.set(this.reasons);
    this.ids = ids;
    this.reasons = reasons;
  }
}
