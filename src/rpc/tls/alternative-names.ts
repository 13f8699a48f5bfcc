/** What a certificate is for beside its name: hosts, by name or address (RFC 5280, 4.2.1.6). */
import { element, sequence } from './der';

const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

/** The value of the extension: localhost, the loopback addresses, and `hosts`. */
export function alternativeNames(hosts: readonly string[]): Buffer {
  const all = new Set(['localhost', '127.0.0.1', '::1', ...hosts]);
  return sequence(
    ...[...all].map((host) =>
      isAddress(host)
        ? element(IP_ADDRESS, addressBytes(host))
        : element(DNS_NAME, Buffer.from(host)),
    ),
  );
}

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

function isAddress(host: string): boolean {
  return IPV4.test(host) || host.includes(':');
}

/** The 4 or 16 bytes of an address. */
function addressBytes(address: string): Buffer {
  if (IPV4.test(address)) return Buffer.from(address.split('.').map(Number));
  const v4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (v4 !== null) {
    const [, front = '', ...parts] = v4;
    const tail = Buffer.from(parts.map(Number)).toString('hex');
    return addressBytes(`${front}${tail.slice(0, 4)}:${tail.slice(4)}`);
  }
  const [front = [], back = []] = address
    .replace(/%.*$/, '')
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = new Array<string>(8 - front.length - back.length).fill('0');
  const groups = [...front, ...zeros, ...back];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}
