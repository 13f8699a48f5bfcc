import type { TlsIdentity } from '../../../../src/platform/platform';
import { memoryFiles } from '../../../../src/platform/memory-files';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { CertificateFiles } from '../../../../src/rpc/tls/certificate-files';
import { developmentCertificate } from '../../../../src/rpc/tls/development-certificate';
import { SimClock } from '../../../support/sim-clock';

const paths = { certificate: '/tls/certificate.pem', key: '/tls/key.pem' };
const { random } = nodePlatform();
const make = (): TlsIdentity => developmentCertificate([], new SimClock().clock, random);

let sim: SimClock;
let files: ReturnType<typeof memoryFiles>;
let watched: CertificateFiles<TlsIdentity>;
let seen: TlsIdentity[];
let failures: string[];

beforeEach(async () => {
  sim = new SimClock();
  files = memoryFiles(sim.clock);
  await files.makeDirectory('/tls');
  watched = new CertificateFiles<TlsIdentity>(paths, files, sim.timers);
  seen = [];
  failures = [];
});

async function put({ certificate, key }: TlsIdentity): Promise<void> {
  await files.writeFile(paths.certificate, certificate);
  await files.writeFile(paths.key, key);
}

function watch(): void {
  watched.watch(
    (identity) => seen.push(identity),
    (error) => failures.push((error as Error).message),
  );
}

test('a changed pair is read again, an unchanged one is not', async () => {
  const [first, second, third] = [make(), make(), make()];
  await put(first);
  expect(await watched.read()).toEqual(first);
  watch();
  await sim.advance(20_000);
  expect(seen).toEqual([]);
  await put(second);
  await sim.advance(6_000);
  expect(seen).toEqual([second]);
  watched.stop();
  await put(third);
  await sim.advance(20_000);
  expect(seen).toEqual([second]);
  expect(sim.pending).toBe(0);
});

test('a pair that cannot be used is told of once, and taken once it can', async () => {
  const [first, second] = [make(), make()];
  await put(first);
  await watched.read();
  watch();
  await files.remove(paths.key);
  await sim.advance(20_000);
  expect(failures).toEqual(['/tls/key.pem: there is no such file']);
  await put({ certificate: second.certificate, key: first.key });
  await sim.advance(20_000);
  expect(failures.slice(1)).toEqual([
    '/tls/key.pem: is not the key of the certificate /tls/certificate.pem',
  ]);
  expect(seen).toEqual([]);
  await put(second);
  await sim.advance(6_000);
  expect(seen).toEqual([second]);
  watched.stop();
});

test.each<[string, (files: ReturnType<typeof memoryFiles>) => Promise<void>, string, string]>([
  [
    'no certificate',
    (on) => on.remove(paths.certificate),
    'certificate',
    '/tls/certificate.pem: there is no such file',
  ],
  [
    'a key instead of a certificate',
    (on) => on.writeFile(paths.certificate, make().key),
    'certificate',
    '/tls/certificate.pem: holds no certificate as PEM',
  ],
  [
    'half a key',
    (on) => on.writeFile(paths.key, make().key.slice(0, 100)),
    'key',
    '/tls/key.pem: holds no private key as PEM',
  ],
  [
    'the key of another certificate',
    (on) => on.writeFile(paths.key, make().key),
    'key',
    '/tls/key.pem: is not the key of the certificate /tls/certificate.pem',
  ],
])('%s is told of with the file', async (_what, spoil, part, message) => {
  await put(make());
  await spoil(files);
  await expect(watched.read()).rejects.toMatchObject({ part, message });
});

test('whom to trust is read again when it changes, and told of when it is no certificate', async () => {
  const [identity, first, second] = [make(), make(), make()];
  const trust = '/tls/ca.pem';
  await put(identity);
  await files.writeFile(trust, first.certificate);
  const trusting = new CertificateFiles({ ...paths, ca: trust }, files, sim.timers);
  expect(await trusting.read()).toEqual({ ...identity, ca: first.certificate });
  const authorities: string[] = [];
  trusting.watch(
    ({ ca }) => authorities.push(ca),
    (error) => failures.push((error as Error).message),
  );
  await files.writeFile(trust, 'nothing');
  await sim.advance(20_000);
  expect(failures).toEqual(['/tls/ca.pem: holds no certificate as PEM']);
  await files.writeFile(trust, second.certificate);
  await sim.advance(6_000);
  expect(authorities).toEqual([second.certificate]);
  trusting.stop();
});
