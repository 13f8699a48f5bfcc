/**
 * The header of the PROXY protocol: what a balancer says of a client, before the client's own first byte.
 *
 *     version 1, one line of at most 107 bytes
 *
 *         PROXY TCP4 192.0.2.7 198.51.100.1 49152 8081\r\n        TCP6 likewise
 *         PROXY UNKNOWN ... \r\n                                  the balancer does not know
 *
 *     version 2
 *
 *          0  12  0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a
 *         12   1  version (2), command: 0 the balancer itself (a health check), 1 a client
 *         13   1  family: 0 none, 1 IPv4, 2 IPv6, 3 Unix; transport: 0 none, 1 stream
 *         14   2  bytes from here on
 *         16  12  IPv4: the client's address 4, the one it came to 4, its port 2, the port it came to 2
 *             36  IPv6: the same with 16 and 16
 *                 then type, length, value, as often as the balancer likes; passed over
 *
 * @see https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
import { canonicalIp } from '../../platform/networks';
import type { SocketAddress } from '../../platform/platform';

/** Both ends of a connection. */
export interface ConnectionEnds {
  /** The client's. */
  readonly remote: SocketAddress;
  /** Ours, as the client addressed it. */
  readonly local: SocketAddress;
}

export interface ProxyHeader {
  /** How long it is. */
  readonly bytes: number;
  /** Absent: the connection is what it looks like, or nobody knows better. */
  readonly ends?: ConnectionEnds;
}

/** A header that is not to be trusted with anything; the connection ends. */
export class ProxyHeaderError extends Error {}

/** The longest header that is taken, bytes: far more than the addresses and what balancers add. */
export const MAX_PROXY_HEADER_BYTES = 4096;

const V1_START = Buffer.from('PROXY ', 'latin1');
const V1_MAX_BYTES = 107;
const V1_LINE = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/;
const V2_START = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V2_HEAD_BYTES = 16;
const MAX_PORT = 65_535;

const STREAM_V4 = 0x11;
const STREAM_V6 = 0x21;
const STREAM_UNIX = 0x31;
/** The client's own address is in these as little as in a header without one. */
const NOTHING_SAID: readonly number[] = [0, STREAM_UNIX];

/**
 * Reads the header that `bytes` begin with. Without one: `none`. When more bytes must come to tell: `more`.
 * @throws ProxyHeaderError saying what is wrong with it
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | 'none' | 'more' {
  if (begins(bytes, V1_START)) return bytes.length < V1_START.length ? 'more' : readV1(bytes);
  if (begins(bytes, V2_START)) return bytes.length < V2_HEAD_BYTES ? 'more' : readV2(bytes);
  return 'none';
}

/** Whether a connection begins with such a header. @param bytes at least 8, of which version 2 has all its own */
export function isProxyHeader(bytes: Buffer): boolean {
  return begins(bytes, V1_START) || begins(bytes, V2_START);
}

/** Whether one is `start`, as far as both go. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const compared = Math.min(bytes.length, start.length);
  return bytes.subarray(0, compared).equals(start.subarray(0, compared));
}

function readV1(bytes: Buffer): ProxyHeader | 'more' {
  const end = bytes.subarray(0, V1_MAX_BYTES).indexOf('\r\n');
  if (end < 0) {
    if (bytes.length < V1_MAX_BYTES) return 'more';
    throw new ProxyHeaderError(`version 1 without an end within ${V1_MAX_BYTES} bytes`);
  }
  const line = bytes.toString('latin1', 0, end);
  const length = end + 2;
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { bytes: length };
  const [, family, from = '', to = '', fromPort, toPort] = V1_LINE.exec(line) ?? [];
  const remote = addressOf(family, from, Number(fromPort));
  const local = addressOf(family, to, Number(toPort));
  if (remote === undefined || local === undefined) {
    throw new ProxyHeaderError(
      `version 1 with a line that cannot be read: ${JSON.stringify(line)}`,
    );
  }
  return { bytes: length, ends: { remote, local } };
}

function addressOf(
  family: string | undefined,
  text: string,
  port: number,
): SocketAddress | undefined {
  const host = canonicalIp(text);
  const isV6 = text.includes(':');
  if (host === undefined || isV6 !== (family === 'TCP6') || port > MAX_PORT) return undefined;
  return { host, port };
}

function readV2(bytes: Buffer): ProxyHeader | 'more' {
  const [version, command] = halves(bytes[12]);
  if (version !== 2 || command > 1) {
    throw new ProxyHeaderError(
      `version ${version} with command ${command}, known is 2 with 0 or 1`,
    );
  }
  const length = V2_HEAD_BYTES + bytes.readUInt16BE(14);
  if (length > MAX_PROXY_HEADER_BYTES) {
    throw new ProxyHeaderError(`${length} bytes long, the limit is ${MAX_PROXY_HEADER_BYTES}`);
  }
  if (bytes.length < length) return 'more';
  const kind = bytes[13] ?? 0;
  if (command === 0 || NOTHING_SAID.includes(kind)) return { bytes: length };
  if (kind === STREAM_V4) return { bytes: length, ends: endsOf(bytes, length, 4) };
  if (kind === STREAM_V6) return { bytes: length, ends: endsOf(bytes, length, 16) };
  const [family, transport] = halves(kind);
  throw new ProxyHeaderError(`address family ${family} over transport ${transport} is no TCP`);
}

function halves(byte = 0): readonly [number, number] {
  return [byte >> 4, byte & 0x0f];
}

function endsOf(bytes: Buffer, length: number, size: 4 | 16): ConnectionEnds {
  const portsAt = V2_HEAD_BYTES + 2 * size;
  if (length < portsAt + 4) {
    throw new ProxyHeaderError(`${length} bytes are too few for two addresses of ${size} bytes`);
  }
  const host = (at: number): string => ipText(bytes.subarray(at, at + size));
  return {
    remote: { host: host(V2_HEAD_BYTES), port: bytes.readUInt16BE(portsAt) },
    local: { host: host(V2_HEAD_BYTES + size), port: bytes.readUInt16BE(portsAt + 2) },
  };
}

function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16));
  return canonicalIp(groups.join(':')) ?? '';
}
