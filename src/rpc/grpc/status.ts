/** gRPC's status as it goes over the wire, and what handlers give for one. */
import { status as Status, type Metadata, type StatusObject } from '@grpc/grpc-js';

/** How a call ended. `details` is for people. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata?: Metadata;
}

/** What handlers may pass as an error: an Error, a status, or an Error with a status's fields. */
export type HandlerError = Partial<StatusObject> | (Error & Partial<StatusObject>);

export function okStatus(trailers?: Metadata): GrpcStatus {
  const ok = { code: Status.OK, details: 'OK' };
  return trailers === undefined ? ok : { ...ok, metadata: trailers };
}

/** The status that a handler's error stands for: its own code, or UNKNOWN with its message. */
export function toGrpcStatus(error: HandlerError, trailers?: Metadata): GrpcStatus {
  const metadata = trailers ?? error.metadata;
  const message = 'message' in error ? error.message : 'Unknown Error';
  const known = typeof error.code === 'number' && Number.isInteger(error.code);
  const status = {
    code: known && error.code !== undefined ? error.code : Status.UNKNOWN,
    details: known && typeof error.details === 'string' ? error.details : message,
  };
  return metadata === undefined ? status : { ...status, metadata };
}

/** Characters of `grpc-message` that stand for themselves. */
const PLAIN = /^[ -$&-~]*$/;

/** Percent-encodes the UTF-8 bytes of a status's details: `grpc-message` holds printable ASCII without `%`. */
export function encodeDetails(details: string): string {
  if (PLAIN.test(details)) return details.trim() === details ? details : encodeBlankEnds(details);
  let text = '';
  for (const byte of Buffer.from(details, 'utf8')) {
    if (byte < 0x20 || byte > 0x7e || byte === 0x25) text += percent(byte);
    else text += String.fromCharCode(byte);
  }
  return encodeBlankEnds(text);
}

/** What `encodeDetails` was given; a text that is not encoded as it should be stays as it is. */
export function decodeDetails(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A field may not begin or end with a blank, though a text may. */
function encodeBlankEnds(text: string): string {
  return text.replace(/^ +| +$/g, (blanks) => percent(0x20).repeat(blanks.length));
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
