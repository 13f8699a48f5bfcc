/**
 * Answers as fields.
 *
 *     HEADERS  :status 200, content-type, what is accepted      DATA ...      HEADERS  grpc-status, grpc-message
 *     HEADERS  all of them in one: an answer without messages ("trailers-only")
 */
import type { Metadata } from '@grpc/grpc-js';
import { HeaderBlock, type FieldPair } from '../http2/hpack-encoder';
import type { Http2Stream } from '../http2/stream';
import { metadataFields } from './metadata';
import { encodeDetails, type GrpcStatus } from './status';

const HEAD: readonly FieldPair[] = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
  ['grpc-accept-encoding', 'identity,gzip'],
];
const GZIP: FieldPair = ['grpc-encoding', 'gzip'];
const plainHead = new HeaderBlock(HEAD);
const gzipHead = new HeaderBlock([...HEAD, GZIP]);
const okTrailers = new HeaderBlock([['grpc-status', '0']]);

/** Begins an answer that has messages. */
export function sendHead(stream: Http2Stream, metadata: Metadata | undefined, gzip: boolean): void {
  if (metadata === undefined) {
    stream.respond(gzip ? gzipHead : plainHead);
    return;
  }
  const fields = gzip ? [...HEAD, GZIP] : HEAD;
  stream.respond([...fields, ...metadataFields(metadata)]);
}

/** Ends an answer. `begun`: its head was sent. */
export function sendStatus(stream: Http2Stream, status: GrpcStatus, begun: boolean): void {
  if (begun && status.code === 0 && status.metadata === undefined) {
    stream.end(okTrailers); // as grpc-js, but for a text that says what the code says
    return;
  }
  const fields: FieldPair[] = [['grpc-status', String(status.code)]];
  if (status.code !== 0) fields.push(['grpc-message', encodeDetails(status.details)]);
  if (status.metadata !== undefined) fields.push(...metadataFields(status.metadata));
  if (begun) stream.end(fields);
  else stream.respond([...HEAD, ...fields], true);
}
