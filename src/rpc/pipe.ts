/** One end of a stream of messages both ways. What carries it is another's business: gRPC, or memory in tests. */
export interface Pipe<Out, In> {
  /** Says who takes what comes; nothing is delivered before. */
  open(receiver: PipeReceiver<In>): void;
  /** False asks the caller to wait for `drained` before it writes more; the message is taken all the same. */
  write(message: Out): boolean;
  /** No more messages are delivered, and the other end is slowed down, until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends this side after all that was written; the other end then ends too, or is cut off a while later. */
  end(): void;
  /** Breaks the stream at once; the other end sees the reason where the transport can say it. */
  abort(reason: string): void;
}

export interface PipeReceiver<In> {
  message(message: In): void;
  /** May be written to again. */
  drained(): void;
  /** The last call, and the only one of its kind: the stream is over, orderly or not. */
  closed(reason: string): void;
}
