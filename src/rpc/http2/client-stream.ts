import type { ByteQueue } from './byte-queue';
import type { HeaderField } from './header-field';
import { DEFAULT_WINDOW_BYTES } from './settings';
import type { Fields, SendingStream } from './stream';

/** Who made a request hears of its answer. Nothing is called after `onClosed`. */
export interface ClientStreamListener {
  /** The fields that begin the answer, or those behind it. `end`: nothing more comes. */
  onHeaders(fields: readonly HeaderField[], end: boolean): void;
  /** Bytes of the answer, `bytes[start .. end)`; more come once `ClientConnection.take` counted them. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** `write` would answer true again. Only after it answered false. */
  onDrain(): void;
  /** The stream is over. @param reason for people; '' when the other side ended it as it should */
  onClosed(reason: string): void;
}

/** The stream of a connection that has one. */
export class ClientStream implements SendingStream {
  readonly id = 1;
  sendWindow = DEFAULT_WINDOW_BYTES;
  waiting: ByteQueue | undefined;
  queued = false;
  wantsDrain = false;
  readonly tellsSent = false;
  ending = false;
  readonly trailers: Fields | undefined = undefined;
  localEnded = false;
  closed = false;

  /** @param listener hears when more may be written */
  constructor(readonly listener: { onDrain(): void; onSent(): void }) {}

  get waitingBytes(): number {
    return this.waiting?.length ?? 0;
  }
}
