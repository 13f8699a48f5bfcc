/** IP addresses and networks, as text. */
import { BlockList, isIP, SocketAddress } from 'node:net';

/** IPv4 inside IPv6, as sockets that listen on `::` tell of it. */
const MAPPED_V4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/;

/**
 * An IP address in its one form: IPv6 shortened and in lower case, IPv4 without the prefix of IPv6.
 * `undefined` for what is none.
 */
export function canonicalIp(text: string): string | undefined {
  const version = isIP(text);
  if (version === 0 || text.includes('%')) return undefined;
  if (version === 4) return text;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  return MAPPED_V4.exec(address)?.[1] ?? address;
}

/**
 * Tells whether an address is in one of these networks.
 * @param networks an address each (`192.0.2.7`, `2001:db8::7`), or with a prefix length (`10.0.0.0/8`, `fd00::/8`)
 * @throws RangeError naming the first that is neither
 */
export function networksOf(networks: readonly string[]): (host: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [, address = '', digits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network.trim()) ?? [];
    const version = address.includes('%') ? 0 : isIP(address);
    const bits = version === 4 ? 32 : 128;
    const prefix = digits === undefined ? bits : Number(digits);
    if (version === 0 || prefix > bits) {
      throw new RangeError(`not an IP address or a network such as 10.0.0.0/8: ${network}`);
    }
    list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return (host) => {
    const version = isIP(host);
    // Of an IPv4 address inside IPv6 the list asks its rules for IPv4, too.
    return version !== 0 && list.check(host, version === 4 ? 'ipv4' : 'ipv6');
  };
}
