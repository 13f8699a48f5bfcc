/** What became of the gRPC calls of one connection, read from the bytes that pass by. */
import { Code, codeName } from '../../../src/message/status';
import { ErrorCode } from '../../../src/rpc/http2/error-code';
import { CLIENT_PREFACE, Flag, FrameType, readUint32 } from '../../../src/rpc/http2/frame';
import { FrameReader } from '../../../src/rpc/http2/frame-reader';
import { HeaderIntake } from '../../../src/rpc/http2/header-intake';
import { HpackDecoder } from '../../../src/rpc/http2/hpack-decoder';
import { loadService } from '../../../src/rpc/protos';

/** A call that has ended, whoever repeats it. */
export interface WireCall {
  /** Such as `SendMessage`. */
  readonly method: string;
  readonly clientId: string;
  /** Wall clock, ms. */
  readonly begunMs: number;
  readonly endedMs: number;
  /**
   * - `ok`: answered, and done or without anything to receive
   * - `not taken`: the server said that it did not and will not look at it: gRPC's own libraries send it elsewhere
   *   without a word to who called
   * - all else: what went wrong
   */
  readonly outcome: 'ok' | 'not taken' | (string & {});
}

interface OpenCall {
  readonly method: string;
  readonly clientId: string;
  readonly begunMs: number;
  /** Of the answer, as far as no whole message. */
  rest: Buffer;
  /** Of the API, the first that is not fine. */
  trouble: string | undefined;
}

const SERVICE = 'apache.rocketmq.v2.MessagingService';
const service = loadService('apache/rocketmq/v2/service.proto', SERVICE);
/** HEADER_TABLE_SIZE of all clients and of Gantry. */
const TABLE_BYTES = 4096;
const MAX_FRAME_BYTES = 0xff_ffff;
const MAX_BLOCK_BYTES = 1024 * 1024;
const PREFIX_BYTES = 5;
const FINE: readonly number[] = [Code.OK, Code.MESSAGE_NOT_FOUND];

export class WireCalls {
  private readonly open = new Map<number, OpenCall>();
  private prefaceLeft = CLIENT_PREFACE.length;
  /** Streams above it are not served, when the server has said so. */
  private lastServed = Infinity;
  private readonly requests = this.reader({
    onHead: (streamId, fields) => this.begin(streamId, fields),
    onReset: (streamId) => this.end(streamId, 'given up by the client'),
  });
  private readonly answers = this.reader({
    onHead: (streamId, fields, endStream) => {
      if (endStream) this.answered(streamId, fields);
    },
    onData: (streamId, data) => this.read(streamId, data),
    onReset: (streamId, code) =>
      this.end(streamId, code === ErrorCode.REFUSED_STREAM ? 'not taken' : `reset with ${code}`),
    onGoAway: (lastStreamId) => (this.lastServed = lastStreamId),
  });

  /** @param onEnd told of each call that has ended */
  constructor(private readonly onEnd: (call: WireCall) => void) {}

  fromClient(chunk: Buffer): void {
    const skipped = Math.min(this.prefaceLeft, chunk.length);
    this.prefaceLeft -= skipped;
    this.requests.push(chunk.subarray(skipped));
  }

  fromServer(chunk: Buffer): void {
    this.answers.push(chunk);
  }

  /** The connection is gone: what it had is lost. */
  close(): void {
    for (const streamId of [...this.open.keys()]) {
      this.end(streamId, streamId > this.lastServed ? 'not taken' : 'lost with its connection');
    }
  }

  private begin(streamId: number, fields: ReadonlyMap<string, string>): void {
    this.open.set(streamId, {
      method: (fields.get(':path') ?? '').replace(/^.*\//, ''),
      clientId: fields.get('x-mq-client-id') ?? '',
      begunMs: Date.now(),
      rest: Buffer.alloc(0),
      trouble: undefined,
    });
  }

  private read(streamId: number, data: Buffer): void {
    const call = this.open.get(streamId);
    if (call === undefined) return;
    call.rest = Buffer.concat([call.rest, data]);
    while (call.rest.length >= PREFIX_BYTES) {
      const end = PREFIX_BYTES + readUint32(call.rest, 1);
      if (call.rest.length < end) return;
      call.trouble ??= troubleIn(call.method, call.rest.subarray(PREFIX_BYTES, end));
      call.rest = call.rest.subarray(end);
    }
  }

  private answered(streamId: number, fields: ReadonlyMap<string, string>): void {
    const status = fields.get('grpc-status') ?? 'missing';
    const text = decodeURIComponent(fields.get('grpc-message') ?? '');
    if (status !== '0') this.end(streamId, `gRPC status ${status} ${text}`);
    else this.end(streamId, this.open.get(streamId)?.trouble ?? 'ok');
  }

  private end(streamId: number, outcome: string): void {
    const call = this.open.get(streamId);
    if (call === undefined) return;
    this.open.delete(streamId);
    const { method, clientId, begunMs } = call;
    this.onEnd({ method, clientId, begunMs, endedMs: Date.now(), outcome });
  }

  private reader(sink: {
    onHead(streamId: number, fields: ReadonlyMap<string, string>, endStream: boolean): void;
    onData?(streamId: number, data: Buffer): void;
    onReset(streamId: number, code: number): void;
    onGoAway?(lastStreamId: number): void;
  }): FrameReader {
    const decoder = new HpackDecoder(TABLE_BYTES, MAX_BLOCK_BYTES);
    const heads = new HeaderIntake(MAX_BLOCK_BYTES, (streamId, endStream, _self, ...block) => {
      const fields = decoder.decode(...block).map(({ name, value }) => [name, value] as const);
      sink.onHead(streamId, new Map(fields), endStream);
    });
    return new FrameReader(MAX_FRAME_BYTES, (type, flags, streamId, bytes, start, end) => {
      if (type === FrameType.HEADERS) heads.headers(flags, streamId, bytes, start, end);
      else if (type === FrameType.CONTINUATION) {
        heads.continuation(flags, streamId, bytes, start, end);
      } else if (type === FrameType.RST_STREAM) sink.onReset(streamId, readUint32(bytes, start));
      else if (type === FrameType.GOAWAY) sink.onGoAway?.(readUint32(bytes, start));
      else if (type === FrameType.DATA) {
        if ((flags & Flag.PADDED) !== 0) throw new Error('padded DATA is not read here');
        sink.onData?.(streamId, bytes.subarray(start, end));
      }
      return true;
    });
  }
}

/** What the status in an answer says, when that is not fine. */
function troubleIn(method: string, message: Buffer): string | undefined {
  const answer = service[method]?.responseDeserialize(message) as
    { readonly status?: { readonly code: number; readonly message: string } | null } | undefined;
  const status = answer?.status;
  if (status === undefined || status === null || FINE.includes(status.code)) return undefined;
  return `${codeName(status.code)} ${status.message}`;
}
