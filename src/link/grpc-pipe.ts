/** Pipes over gRPC's bidirectional streams. */
import {
  status as Status,
  type ClientDuplexStream,
  type ServerDuplexStream,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import type { Pipe } from '../rpc/pipe';

/** The caller's end of a stream. */
export function clientPipe<Out, In>(call: ClientDuplexStream<Out, In>): Pipe<Out, In> {
  let aborted: string | undefined;
  return {
    open: (receiver) => {
      let over = false;
      const close = (reason: string): void => {
        if (over) return;
        over = true;
        receiver.closed(aborted ?? reason);
      };
      call.on('data', (message: In) => {
        if (!over) receiver.message(message);
      });
      call.on('drain', () => {
        if (!over) receiver.drained();
      });
      call.on('error', (error: ServiceError) => close(error.details || error.message));
      call.on('status', (status: StatusObject) => close(status.details || 'the other side ended'));
      call.on('end', () => call.end());
    },
    write: (message) => call.write(message),
    pause: () => void call.pause(),
    resume: () => void call.resume(),
    end: () => void call.end(),
    abort: (reason) => {
      aborted ??= reason;
      call.cancel();
    },
  };
}

/** The server's end of a stream. */
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
