/** Headers of the PROXY protocol, right and wrong ones. */
import { isIPv4 } from 'node:net';

export const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

export interface HeaderV2 {
  /** Version and command; 0x21, a client, by default. */
  readonly command?: number;
  /** Address family and transport. */
  readonly kind?: number;
  /** What follows the addresses. */
  readonly more?: Uint8Array;
}

/** Version 2 with any content. */
export function rawV2(command: number, kind: number, content: Uint8Array): Buffer {
  const head = Buffer.of(command, kind, content.length >> 8, content.length & 0xff);
  return Buffer.concat([SIGNATURE, head, content]);
}

/** Version 2 as a balancer sends it for a connection from `from` to `to`, both `address port`. */
export function headerV2(from: string, to: string, header: HeaderV2 = {}): Buffer {
  const [fromHost = '', fromPort] = from.split(' ');
  const [toHost = '', toPort] = to.split(' ');
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(Number(fromPort), 0);
  ports.writeUInt16BE(Number(toPort), 2);
  const { command = 0x21, kind = isIPv4(fromHost) ? 0x11 : 0x21, more = Buffer.alloc(0) } = header;
  return rawV2(command, kind, Buffer.concat([ipBytes(fromHost), ipBytes(toHost), ports, more]));
}

function ipBytes(host: string): Buffer {
  if (isIPv4(host)) return Buffer.from(host.split('.').map(Number));
  const [left = '', right = ''] = host.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const zeros = 8 - groups(left).length - groups(right).length;
  const all = [...groups(left), ...Array<string>(zeros).fill('0'), ...groups(right)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
