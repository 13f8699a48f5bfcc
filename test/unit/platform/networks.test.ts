import { canonicalIp, networksOf } from '../../../src/platform/networks';

describe('an IP address in its one form', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:207', '192.0.2.7'],
  ])('%s is %s', (text, form) => expect(canonicalIp(text)).toBe(form));

  test.each(['', '192.0.2', '192.0.2.256', '192.0.2.07', 'fe80::1%eth0', '[::1]', 'localhost'])(
    '"%s" is none',
    (text) => expect(canonicalIp(text)).toBeUndefined(),
  );
});

describe('networks', () => {
  const isIn = networksOf(['10.0.0.0/8', ' 192.0.2.7', 'fd00::/8', '2001:db8::7']);

  test.each(['10.255.0.1', '::ffff:10.1.2.3', '192.0.2.7', 'fd12:3456::1', '2001:db8:0::7'])(
    '%s is in them',
    (host) => expect(isIn(host)).toBe(true),
  );

  test.each(['11.0.0.1', '::ffff:11.0.0.1', '192.0.2.8', 'fe80::1', '2001:db8::8', '', 'ten'])(
    '"%s" is not',
    (host) => expect(isIn(host)).toBe(false),
  );

  test('none hold nobody', () => expect(networksOf([])('127.0.0.1')).toBe(false));

  test.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', 'balancer', '', 'fe80::1%lo'])(
    '"%s" is refused by its name',
    (network) => expect(() => networksOf(['::1', network])).toThrow(`10.0.0.0/8: ${network}`),
  );
});
