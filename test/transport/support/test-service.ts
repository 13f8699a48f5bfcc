/** The gRPC project's interoperability service: it does what its requests say. */
import { join } from 'node:path';
import {
  Metadata,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { letRun } from '../../support/until';

interface Payload {
  readonly body: Buffer;
}

interface EchoStatus {
  readonly code: number;
  readonly message: string;
}

interface SimpleRequest {
  readonly response_size: number;
  readonly response_status: EchoStatus | null;
}

interface OutputRequest {
  readonly response_parameters: readonly { readonly size: number; readonly interval_us: number }[];
  readonly response_status: EchoStatus | null;
}

interface Answer {
  readonly payload: Payload;
}

type InputRequest = Answer;

/** Metadata that a call must give back: text at its beginning, bytes at its end. */
const ECHO_INITIAL = 'x-grpc-test-echo-initial';
const ECHO_TRAILING = 'x-grpc-test-echo-trailing-bin';

export function testService(): {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
} {
  const loaded = loadSync(join(__dirname, 'testing.proto'), { keepCase: true, defaults: true });
  return {
    definition: loaded['grpc.testing.TestService'] as ServiceDefinition,
    implementation: {
      EmptyCall: (_call: unknown, callback: sendUnaryData<object>) => callback(null, {}),
      UnaryCall: unaryCall,
      StreamingOutputCall: streamingOutputCall,
      StreamingInputCall: streamingInputCall,
      FullDuplexCall: fullDuplexCall,
    },
  };
}

const answerOf = (size: number): Answer => ({ payload: { body: Buffer.alloc(size) } });

function echo(received: Metadata, sendMetadata: (metadata: Metadata) => void): Metadata {
  const first = received.get(ECHO_INITIAL)[0];
  if (first !== undefined) {
    const initial = new Metadata();
    initial.set(ECHO_INITIAL, first);
    sendMetadata(initial);
  }
  const trailing = new Metadata();
  const last = received.get(ECHO_TRAILING)[0];
  if (last !== undefined) trailing.set(ECHO_TRAILING, last);
  return trailing;
}

function unaryCall(
  call: ServerUnaryCall<SimpleRequest, Answer>,
  callback: sendUnaryData<Answer>,
): void {
  const trailing = echo(call.metadata, (metadata) => call.sendMetadata(metadata));
  const { response_status: status, response_size: size } = call.request;
  if (status !== null) callback({ code: status.code, details: status.message });
  else callback(null, answerOf(size), trailing);
}

async function sendAll(
  call: ServerWritableStream<OutputRequest, Answer> | ServerDuplexStream<OutputRequest, Answer>,
  { response_parameters: parameters }: OutputRequest,
): Promise<void> {
  for (const { size, interval_us: intervalUs } of parameters) {
    if (intervalUs > 0) await letRun(intervalUs / 1000); // as the request says
    if (call.cancelled) return;
    if (!call.write(answerOf(size))) await new Promise((resolve) => call.once('drain', resolve));
  }
}

function streamingOutputCall(call: ServerWritableStream<OutputRequest, Answer>): void {
  void sendAll(call, call.request).then(() => call.end());
}

function streamingInputCall(
  call: ServerReadableStream<InputRequest, object>,
  callback: sendUnaryData<object>,
): void {
  let size = 0;
  call.on('data', ({ payload }: InputRequest) => (size += payload.body.length));
  call.on('end', () => callback(null, { aggregated_payload_size: size }));
}

function fullDuplexCall(call: ServerDuplexStream<OutputRequest, Answer>): void {
  const trailing = echo(call.metadata, (metadata) => call.sendMetadata(metadata));
  let sending = Promise.resolve();
  call.on('data', (request: OutputRequest) => {
    const { response_status: status } = request;
    if (status !== null) call.emit('error', { code: status.code, details: status.message });
    else sending = sending.then(() => sendAll(call, request));
  });
  call.on('end', () => void sending.then(() => call.end(trailing)));
}
