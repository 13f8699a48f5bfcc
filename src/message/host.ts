/** An address and port as records hold them: 4 or 16 address bytes and a 4-byte port. */

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const IPV6 = /^[0-9a-f:.]+(%.*)?$/i;

export interface Host {
  /** 4 or 16 bytes. */
  readonly address: Buffer;
  readonly port: number;
}

export const ANY_HOST: Host = { address: Buffer.alloc(4), port: 0 };

/** Parses a textual IP address; what is none becomes 0.0.0.0. IPv4-mapped IPv6 becomes IPv4. */
export function hostOf(ip: string, port: number): Host {
  const mapped = ip.startsWith('::ffff:') ? ip.slice(7) : ip;
  if (IPV4.test(mapped)) return { address: Buffer.from(mapped.split('.').map(Number)), port };
  if (ip.includes(':') && IPV6.test(ip)) return { address: parseIPv6(ip), port };
  return { address: ANY_HOST.address, port };
}

/** `a.b.c.d:port` or `[v6]:port`. */
export function hostText(host: Host): string {
  if (host.address.length === 4) return `${Array.from(host.address).join('.')}:${host.port}`;
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(host.address.readUInt16BE(i).toString(16));
  return `[${groups.join(':')}]:${host.port}`;
}

function parseIPv6(ip: string): Buffer {
  const bytes = Buffer.alloc(16);
  const plain = ip.split('%', 1)[0] ?? '';
  const [head = '', tail] = plain.split('::');
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  left.forEach((group, i) => bytes.writeUInt16BE(group, i * 2));
  right.forEach((group, i) => bytes.writeUInt16BE(group, 16 - (right.length - i) * 2));
  return bytes;
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}
