import { isIP } from 'node:net';

import { parseAddress, reachableHost, writeAddress } from '../../../src/config/address';

describe('addresses', () => {
  it.each([
    ['broker-1.example.org:10911', { host: 'broker-1.example.org', port: 10911 }],
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65535 }],
  ])('%s is read and written back', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(writeAddress(address)).toBe(text);
  });

  it.each(['', 'host', 'host:', ':1', 'host:0', 'host:65536', '::1:80', 'http://host:80', 'a b:1'])(
    '%p is none',
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );

  it('a host is reachable as itself, and every host as an address of this machine', () => {
    expect(reachableHost('10.1.2.3')).toBe('10.1.2.3');
    for (const every of ['0.0.0.0', '::']) {
      expect(isIP(reachableHost(every))).toBe(4);
      expect(reachableHost(every)).not.toBe('0.0.0.0');
    }
  });
});
