/** The server's end of a pipe (its client's: `openPipe`) on a bidirectional stream of gRPC. */
import { status as Status, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Pipe } from '../rpc/pipe';

export function serverPipe<Out, In>(call: ServerDuplexStream<In, Out>): Pipe<Out, In> {
  let close: (reason: string) => void = () => undefined;
  let over = false;
  const end = (): void => {
    if (over) return;
    call.end();
    close('this side ended');
  };
  return {
    open: (receiver) => {
      close = (reason) => {
        if (over) return;
        over = true;
        receiver.closed(reason);
      };
      call.on('data', (message: In) => {
        if (!over) receiver.message(message);
      });
      call.on('drain', () => {
        if (!over) receiver.drained();
      });
      call.on('cancelled', () => close('the other side is gone'));
      call.on('error', (error: Error) => close(error.message));
      call.on('close', () => close('the connection is gone'));
      call.on('end', end);
    },
    write: (message) => call.write(message),
    pause: () => void call.pause(),
    resume: () => void call.resume(),
    end,
    abort: (reason) => {
      if (over) return;
      close(reason);
      call.emit('error', { code: Status.ABORTED, details: reason });
    },
  };
}
