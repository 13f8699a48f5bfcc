/** What clients of every stack call: messages are plain bytes, so that a client needs no generated code. */
import { Metadata, status as Status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
} from '@grpc/grpc-js';
import type { CuttingProxy } from '../../support/cutting-proxy';

/** Text that only arrives whole when it is percent-encoded right. */
const FAILURE = '100 % größer\n\t😈 ';
const COPIES = 1000;

const bytes = (value: Buffer): Buffer => value;

function method(
  name: string,
  requestStream = false,
  responseStream = false,
): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/test.Stacks/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

export const stackDefinition = {
  /** The request; `x-text` comes back in the head and `x-bytes-bin` in the trailers. */
  Unary: method('Unary'),
  /** FAILED_PRECONDITION. */
  Fail: method('Fail'),
  /** No answer before the client gives up. */
  Sleep: method('Sleep'),
  /** How many calls of `Sleep` and `Hold` were given up, in decimal. */
  Cancelled: method('Cancelled'),
  /** How many bytes have gone over the wire, in decimal. */
  Wire: method('Wire'),
  /** How many connections were made, in decimal. */
  Connections: method('Connections'),
  /** All connections are reset. */
  Cut: method('Cut'),
  Missing: method('Missing'),
  /** The request a thousand times. */
  Spread: method('Spread', false, true),
  /** All requests in one answer. */
  Collect: method('Collect', true, false),
  /** Each request comes back, and the answer ends behind the requests. */
  Chat: method('Chat', true, true),
  /** Each request comes back, and the answer has no end before the client gives up. */
  Hold: method('Hold', true, true),
};

/** @param proxy what clients reach the server through; there is none before the server has its port */
export function stackService(proxy: () => CuttingProxy): UntypedServiceImplementation {
  let cancelled = 0;
  const number =
    (value: () => number): handleUnaryCall<Buffer, Buffer> =>
    (_call, callback) =>
      callback(null, Buffer.from(String(value())));
  const Sleep: handleUnaryCall<Buffer, Buffer> = (call) => {
    call.on('cancelled', () => cancelled++);
  };
  const Hold: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
    call.on('cancelled', () => cancelled++);
    call.on('data', (message: Buffer) => call.write(message));
  };
  const Cut: handleUnaryCall<Buffer, Buffer> = () => proxy().cut();
  return {
    ...{ Unary, Fail, Sleep, Spread, Collect, Chat, Hold, Cut },
    Cancelled: number(() => cancelled),
    Wire: number(() => proxy().bytes),
    Connections: number(() => proxy().connections),
  };
}

const Unary: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
  const head = new Metadata();
  for (const text of call.metadata.get('x-text')) head.add('x-text', text);
  call.sendMetadata(head);
  const trailers = new Metadata();
  for (const value of call.metadata.get('x-bytes-bin')) trailers.add('x-bytes-bin', value);
  callback(null, call.request, trailers);
};

const Fail: handleUnaryCall<Buffer, Buffer> = (_call, callback) =>
  callback({ code: Status.FAILED_PRECONDITION, details: FAILURE });

const Spread: handleServerStreamingCall<Buffer, Buffer> = (call) => {
  let left = COPIES;
  const more = (): void => {
    while (left-- > 0 && call.write(call.request));
    if (left < 0) call.end();
  };
  call.on('drain', more);
  more();
};

const Chat: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on('data', (message: Buffer) => call.write(message));
  call.on('end', () => call.end());
};

const Collect: handleClientStreamingCall<Buffer, Buffer> = (call, callback) => {
  const parts: Buffer[] = [];
  call.on('data', (part: Buffer) => parts.push(part));
  call.on('end', () => callback(null, Buffer.concat(parts)));
};
