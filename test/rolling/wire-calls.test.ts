import { loadService } from '../../src/rpc/protos';
import { CLIENT_PREFACE, Flag, FrameType } from '../../src/rpc/http2/frame';
import { ErrorCode } from '../../src/rpc/http2/error-code';
import { type FieldPair, HpackEncoder } from '../../src/rpc/http2/hpack-encoder';
import { Code } from '../../src/message/status';
import { frame, message, request, settings, uint32 } from '../unit/rpc/http2/raw-client';
import { WireCalls } from './support/wire-calls';

const SERVICE = 'apache.rocketmq.v2.MessagingService';
const send = loadService('apache/rocketmq/v2/service.proto', SERVICE)['SendMessage'];

/** A connection on which client `c` sends on streams 1, 3, ... */
class Scene {
  readonly ended: string[] = [];
  private readonly calls = new WireCalls(({ method, clientId, outcome }) =>
    this.ended.push(`${method} of ${clientId}: ${outcome}`),
  );

  constructor() {
    this.client(CLIENT_PREFACE, settings());
  }

  /** In chunks of few bytes. */
  client(...frames: readonly Uint8Array[]): void {
    for (const chunk of cutUp(frames)) this.calls.fromClient(chunk);
  }

  server(...frames: readonly Uint8Array[]): void {
    for (const chunk of cutUp(frames)) this.calls.fromServer(chunk);
  }

  begin(streamId: number): void {
    const head = request(streamId, 0, [['x-mq-client-id', 'c']], `/${SERVICE}/SendMessage`);
    this.client(head, message(streamId, Buffer.from('body')));
  }

  answer(streamId: number, code: number, trailers: readonly FieldPair[] = fine): void {
    const body = send?.responseSerialize({ status: { code, message: 'said so' } });
    const heads = fields(streamId, Flag.END_HEADERS, [[':status', '200']]);
    const end = fields(streamId, Flag.END_HEADERS | Flag.END_STREAM, trailers);
    this.server(heads, message(streamId, body ?? Buffer.alloc(0), 0), end);
  }

  close(): void {
    this.calls.close();
  }
}

const fine: readonly FieldPair[] = [['grpc-status', '0']];

function fields(streamId: number, flags: number, pairs: readonly FieldPair[]): Buffer {
  return frame(FrameType.HEADERS, flags, streamId, new HpackEncoder().once(pairs));
}

function cutUp(frames: readonly Uint8Array[]): readonly Buffer[] {
  const bytes = Buffer.concat(frames);
  const count = Math.ceil(bytes.length / 7);
  return Array.from({ length: count }, (_none, i) => bytes.subarray(7 * i, 7 * (i + 1)));
}

describe('calls on the wire', () => {
  it('are fine when they were answered so', () => {
    const scene = new Scene();
    scene.begin(1);
    scene.begin(3);
    scene.answer(3, Code.MESSAGE_NOT_FOUND);
    scene.answer(1, Code.OK);
    scene.close();
    expect(scene.ended).toEqual(['SendMessage of c: ok', 'SendMessage of c: ok']);
  });

  it('went wrong when an answer, a status of gRPC or a reset says so, or no answer came', () => {
    const scene = new Scene();
    for (const streamId of [1, 3, 5, 7, 9]) scene.begin(streamId);
    scene.answer(1, Code.PROXY_TIMEOUT);
    scene.answer(3, Code.OK, [
      ['grpc-status', '14'],
      ['grpc-message', 'not%20now'],
    ]);
    scene.server(frame(FrameType.RST_STREAM, 0, 5, uint32(ErrorCode.INTERNAL_ERROR)));
    scene.client(frame(FrameType.RST_STREAM, 0, 7, uint32(ErrorCode.CANCEL)));
    scene.close();
    expect(scene.ended).toEqual([
      'SendMessage of c: PROXY_TIMEOUT said so',
      'SendMessage of c: gRPC status 14 not now',
      'SendMessage of c: reset with 2',
      'SendMessage of c: given up by the client',
      'SendMessage of c: lost with its connection',
    ]);
  });

  it('were not taken when the server refused them, or said which it serves', () => {
    const scene = new Scene();
    for (const streamId of [1, 3, 5]) scene.begin(streamId);
    scene.server(frame(FrameType.RST_STREAM, 0, 3, uint32(ErrorCode.REFUSED_STREAM)));
    const goAway = Buffer.concat([uint32(1), uint32(ErrorCode.NO_ERROR)]);
    scene.server(frame(FrameType.GOAWAY, 0, 0, goAway));
    scene.answer(1, Code.OK);
    scene.close();
    expect(scene.ended).toEqual([
      'SendMessage of c: not taken',
      'SendMessage of c: ok',
      'SendMessage of c: not taken',
    ]);
  });
});
