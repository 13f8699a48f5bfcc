/** A service of plain bytes, one method a kind of call, and clients for it. */
import {
  Client,
  credentials,
  type ChannelOptions,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type MethodDefinition,
  type ServiceDefinition,
} from '@grpc/grpc-js';

const bytes = (value: Buffer): Buffer => value;

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/test.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
}

export const echoDefinition = {
  Unary: method('Unary', false, false),
  Collect: method('Collect', true, false),
  Spread: method('Spread', false, true),
  Chat: method('Chat', true, true),
  Missing: method('Missing', false, false),
} satisfies ServiceDefinition;

export interface EchoHandlers {
  readonly Unary: handleUnaryCall<Buffer, Buffer>;
  readonly Collect: handleClientStreamingCall<Buffer, Buffer>;
  readonly Spread: handleServerStreamingCall<Buffer, Buffer>;
  readonly Chat: handleBidiStreamingCall<Buffer, Buffer>;
}

/** Answers with what came; `Collect` joins it, `Spread` sends as many copies as the first byte says. */
export const echoHandlers: EchoHandlers = {
  Unary: (call, callback) => callback(null, call.request),
  Collect: (call, callback) => {
    const parts: Buffer[] = [];
    call.on('data', (part: Buffer) => parts.push(part));
    call.on('end', () => callback(null, Buffer.concat(parts)));
  },
  Spread: (call) => {
    for (let copy = 0; copy < (call.request[0] ?? 0); copy++) call.write(call.request);
    call.end();
  },
  Chat: (call) => {
    call.on('data', (message: Buffer) => call.write(message));
    call.on('end', () => call.end());
  },
};

/** A client on a connection of its own. */
export function echoClient(port: number, options: ChannelOptions = {}): Client {
  return new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    ...options,
  });
}
