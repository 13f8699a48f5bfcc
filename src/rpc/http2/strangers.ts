/** Who speaks what, told by the first bytes, and what to say to those who speak something else. */
import { CLIENT_PREFACE, FrameType, writeFrameHeader, writeUint32 } from './frame';
import { ErrorCode } from './error-code';
import { isProxyHeader } from './proxy-header';

/**
 * - `h2`: the preface of HTTP/2
 * - `tls`: a TLS handshake
 * - `http1`: a request of HTTP/1
 * - `remoting`: a frame of RocketMQ's older protocol
 * - `proxy`: a header of the PROXY protocol, of a balancer
 * - `unknown`: something else
 * - `more`: not enough bytes to tell
 */
export type Language = 'h2' | 'tls' | 'http1' | 'remoting' | 'proxy' | 'unknown' | 'more';

const TLS_HANDSHAKE = 0x16;
const HTTP1_METHOD = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE) /;
/** The longest of them and its blank. */
const METHOD_BYTES = 8;
/** Total length and the length of the header. */
const REMOTING_BYTES = 8;
const MAX_REMOTING_BYTES = 16 * 1024 * 1024;

/** @param bytes all that a client has sent so far */
export function languageOf(bytes: Buffer): Language {
  if (bytes.length === 0) return 'more';
  if (bytes[0] === TLS_HANDSHAKE) return 'tls';
  const compared = Math.min(bytes.length, CLIENT_PREFACE.length);
  if (bytes.subarray(0, compared).equals(CLIENT_PREFACE.subarray(0, compared))) {
    return compared === CLIENT_PREFACE.length ? 'h2' : 'more';
  }
  if (HTTP1_METHOD.test(bytes.toString('latin1', 0, METHOD_BYTES))) return 'http1';
  if (bytes.length < REMOTING_BYTES) return 'more';
  if (isProxyHeader(bytes)) return 'proxy';
  return isRemoting(bytes) ? 'remoting' : 'unknown';
}

/** A frame: its length, then how its header is written (0 JSON, 1 binary) and the header's length, which is less. */
function isRemoting(bytes: Buffer): boolean {
  const total = bytes.readUInt32BE(0);
  const headerBytes = bytes.readUIntBE(5, 3);
  const form = bytes[4] ?? 0;
  return total <= MAX_REMOTING_BYTES && form <= 1 && headerBytes > 0 && headerBytes + 4 <= total;
}

/** Why a client is not served, in one line for whoever reads the other side's log. */
export const WRONG_PROTOCOL = 'This port speaks gRPC (HTTP/2), for clients of RocketMQ 5';
export const WANTS_TLS = `${WRONG_PROTOCOL}, and takes TLS only`;
export const WANTS_CERTIFICATE = `${WRONG_PROTOCOL}, and takes only who shows a certificate that it trusts`;

/** The request's id in a Remoting header of JSON, and its place in a binary one. */
const JSON_OPAQUE = /"opaque"\s*:\s*(-?\d{1,10})/;
const BINARY_OPAQUE_AT = 13;
/** Remoting's code for a request that is not supported. */
const REMOTING_NOT_SUPPORTED = 3;

/**
 * An answer in the client's own protocol that says what this port speaks; empty when it has none.
 */
export function answerTo(language: Language, bytes: Buffer, text: string): Buffer {
  if (language === 'http1') return http1Answer(text);
  if (language === 'remoting') return remotingAnswer(text, bytes);
  if (language === 'h2') return goodbye(text);
  if (language === 'tls') return Buffer.from(TLS_REFUSAL);
  return Buffer.alloc(0);
}

/** A fatal alert, protocol_version: there is no TLS here. */
const TLS_REFUSAL = [0x15, 3, 1, 0, 2, 2, 70];

function http1Answer(text: string): Buffer {
  const body = `${text}.\n`;
  return Buffer.from(
    'HTTP/1.1 505 HTTP Version Not Supported\r\n' +
      'content-type: text/plain; charset=utf-8\r\n' +
      `content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function remotingAnswer(text: string, request: Buffer): Buffer {
  const json = request[4] === 0;
  const found = json ? JSON_OPAQUE.exec(request.toString('latin1'))?.[1] : undefined;
  const binary = !json && request.length >= BINARY_OPAQUE_AT + 4;
  const opaque = binary ? request.readInt32BE(BINARY_OPAQUE_AT) : Number(found ?? 0);
  const header = JSON.stringify({ code: REMOTING_NOT_SUPPORTED, flag: 1, opaque, remark: text });
  const answer = Buffer.alloc(8 + header.length);
  answer.writeUInt32BE(4 + header.length, 0);
  answer.writeUInt32BE(header.length, 4);
  answer.write(header, 8, 'latin1');
  return answer;
}

/** HTTP/2's own way: SETTINGS, then GOAWAY with the text. */
function goodbye(text: string): Buffer {
  const bytes = Buffer.alloc(9 + 9 + 8 + text.length);
  writeFrameHeader(bytes, 0, 0, FrameType.SETTINGS, 0, 0);
  const at = writeFrameHeader(bytes, 9, 8 + text.length, FrameType.GOAWAY, 0, 0);
  writeUint32(bytes, at + 4, ErrorCode.INADEQUATE_SECURITY);
  bytes.write(text, at + 8, 'latin1');
  return bytes;
}
