import type { ReplicationStream } from '../api/replication-api';
import type { Pipe } from '../rpc/pipe';
import { errorText } from '../platform/error-text';

export interface StreamCodec<Out, In, WireOut, WireIn> {
  readonly encode: (message: Out) => WireOut;
  /** @throws Error when the message makes no sense: the stream breaks */
  readonly decode: (message: WireIn) => In;
}

/** One end of replication's stream over a pipe of its messages on the wire. */
export function replicationStream<Out, In, WireOut, WireIn>(
  pipe: Pipe<WireOut, WireIn>,
  { encode, decode }: StreamCodec<Out, In, WireOut, WireIn>,
): ReplicationStream<Out, In> {
  return {
    open: (receiver) => {
      pipe.open({
        message: (wire) => {
          let message: In;
          try {
            message = decode(wire);
          } catch (error) {
            pipe.abort(errorText(error));
            return;
          }
          receiver.message(message);
        },
        drained: () => receiver.drained(),
        closed: (reason) => receiver.closed(reason),
      });
    },
    write: (message) => pipe.write(encode(message)),
    pause: () => pipe.pause(),
    resume: () => pipe.resume(),
    abort: (reason) => pipe.abort(reason),
  };
}
