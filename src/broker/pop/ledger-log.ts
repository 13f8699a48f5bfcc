/**
 * Puts the changes of ledgers where they are kept: all of one turn of the event loop together, in the order in
 * which they were made.
 */
import type { RecordDraft } from '../../message/record-draft';
import type { Timers } from '../../platform/platform';
import { LedgerOpWriter } from './ledger-op-writer';
import type { LedgerOp } from './ledger-ops';
import type { LedgerSink } from './ledger-sink';

/** A turn's record is cut at this size; the next changes begin another one. */
const MAX_BODY_BYTES = 1024 * 1024;

interface Turn {
  readonly appended: Promise<number>;
  readonly resolve: (endOffset: number) => void;
  readonly reject: (error: unknown) => void;
}

export class LedgerLog {
  private readonly writer = new LedgerOpWriter();
  private turn: Turn | undefined;
  private loggedBytes = 0;

  constructor(
    private readonly sink: LedgerSink,
    private readonly timers: Timers,
  ) {}

  /** Bytes that the changes have taken since the process began. */
  get bytes(): number {
    return this.loggedBytes;
  }

  /** Notes a change; it is appended at the end of this turn. */
  add(op: LedgerOp): void {
    this.currentTurn();
    this.writer.add(op);
    if (this.writer.length >= MAX_BODY_BYTES) this.flush();
  }

  /**
   * Appends a record that changes a ledger by itself, behind all changes noted so far.
   * @param system see `MessageStore.append`
   * @throws as `LedgerSink.append`
   */
  append(draft: RecordDraft, queueId: number, system = false): void {
    this.flush();
    this.loggedBytes += draft.byteLength;
    this.lastEnd = this.sink.append(draft, queueId, system);
  }

  /** Resolves when `write` has returned for all changes noted so far. */
  async written(): Promise<void> {
    const end = await this.appendedEnd();
    if (end !== undefined) await this.sink.written(end);
  }

  /**
   * Resolves when all changes noted so far are as durable as messages sent now.
   * @throws StatusError as `WriteWaits.changed`; they are in the log
   */
  async durable(): Promise<void> {
    const end = await this.appendedEnd();
    if (end !== undefined) await this.sink.changed(end);
  }

  /** Resolves when all changes noted so far are on stable storage, whatever the flush mode. */
  async synced(): Promise<void> {
    const end = await this.appendedEnd();
    if (end !== undefined) await this.sink.synced(end);
  }

  /** Appends what was noted, now. */
  flush(): void {
    const { turn } = this;
    if (turn === undefined) return;
    this.turn = undefined;
    const body = this.writer.take();
    try {
      const { bytes, end } = this.sink.put(body);
      this.loggedBytes += bytes;
      this.lastEnd = end;
      turn.resolve(end);
    } catch (error) {
      // Whoever asks later asks the sink as well.
      this.lastEnd ??= 0;
      turn.reject(error);
    }
  }

  private lastEnd: number | undefined;

  private async appendedEnd(): Promise<number | undefined> {
    return this.turn === undefined ? this.lastEnd : this.turn.appended;
  }

  private currentTurn(): Turn {
    if (this.turn !== undefined) return this.turn;
    const { promise, resolve, reject } = withResolvers();
    // Whoever waits for the turn sees the failure; when nobody does, the store has said it already.
    promise.catch(() => undefined);
    this.turn = { appended: promise, resolve, reject };
    this.timers.nextTurn(() => this.flush());
    return this.turn;
  }
}

function withResolvers(): {
  promise: Promise<number>;
  resolve: (value: number) => void;
  reject: (error: unknown) => void;
} {
  let resolve: (value: number) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<number>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
