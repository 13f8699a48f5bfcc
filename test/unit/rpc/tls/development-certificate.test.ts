import { createPublicKey, X509Certificate } from 'node:crypto';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { developmentCertificate } from '../../../../src/rpc/tls/development-certificate';
import { SimClock } from '../../../support/sim-clock';

const { random } = nodePlatform();

test('is what OpenSSL takes for a certificate that has signed itself', () => {
  const sim = new SimClock(Date.UTC(2026, 0, 2, 3, 4, 5));
  const { certificate, key } = developmentCertificate([], sim.clock, random);
  const read = new X509Certificate(certificate);
  expect(read.subject).toBe('CN=Gantry development certificate');
  expect(read.checkIssued(read)).toBe(true);
  expect(read.verify(createPublicKey(key))).toBe(true);
  expect(read.ca).toBe(true);
  expect(read.validFrom).toBe('Jan  1 03:04:05 2026 GMT');
  expect(read.validTo).toBe('Dec 31 03:04:05 2035 GMT');
});

test('is for this machine and the names and addresses it was made for', () => {
  const hosts = ['broker.example', '10.1.2.3', 'fe80::1', '::ffff:10.1.2.4'];
  const { certificate } = developmentCertificate(hosts, new SimClock().clock, random);
  const read = new X509Certificate(certificate);
  for (const name of ['localhost', 'broker.example']) expect(read.checkHost(name)).toBe(name);
  for (const address of ['127.0.0.1', '::1', '10.1.2.3', 'fe80::1', '::ffff:10.1.2.4']) {
    expect(read.checkIP(address)).toBe(address);
  }
  expect(read.checkHost('other.example')).toBeUndefined();
});

test('is another one each time', () => {
  const { clock } = new SimClock();
  const serials = [1, 2, 3].map(
    () => new X509Certificate(developmentCertificate([], clock, random).certificate).serialNumber,
  );
  expect(new Set(serials).size).toBe(3);
});

test('says years from 2050 on in full', () => {
  const sim = new SimClock(Date.UTC(2045, 0, 1));
  const read = new X509Certificate(developmentCertificate([], sim.clock, random).certificate);
  expect(read.validTo).toMatch(/2054 GMT$/);
});
