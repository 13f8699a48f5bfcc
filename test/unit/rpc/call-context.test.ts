import { Metadata } from '@grpc/grpc-js';
import { lastHeader, peerAddress, remainingMs } from '../../../src/rpc/call-context';

const headers = (...values: string[]): Metadata => {
  const metadata = new Metadata();
  for (const value of values) metadata.add('x-name', value);
  return metadata;
};

describe('what a handler asks of a call', () => {
  it('takes the last value of a repeated header', () => {
    expect(lastHeader(headers('a', 'b'), 'x-name')).toBe('b');
  });

  it('takes the last value also when HTTP/2 has joined them', () => {
    expect(lastHeader(headers('a, b'), 'x-name')).toBe('b');
  });

  it('reads an absent header as empty', () => {
    expect(lastHeader(headers(), 'x-name')).toBe('');
  });

  it.each([
    [new Date(5000), 3000],
    [5000, 3000],
    [1000, -1000],
    [Infinity, undefined],
  ])('counts a deadline of %p as %p ms left at 2000', (deadline, left) => {
    expect(remainingMs(deadline, 2000)).toBe(left);
  });

  it.each([
    ['10.1.2.3:4567', '10.1.2.3', 4567],
    ['[::1]:4567', '::1', 4567],
    ['fe80::1:4567', 'fe80::1', 4567],
    ['unknown', 'unknown', 0],
  ])('takes the peer %s apart', (peer, ip, port) => {
    expect(peerAddress(peer)).toEqual({ ip, port });
  });
});
