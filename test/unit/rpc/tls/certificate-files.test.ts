import type { TlsIdentity } from '../../../../src/platform/platform';
import { memoryFiles } from '../../../../src/platform/memory-files';
import { CertificateFiles } from '../../../../src/rpc/tls/certificate-files';
import { SimClock } from '../../../support/sim-clock';

const paths = { certificate: '/tls/certificate.pem', key: '/tls/key.pem' };

test('a changed pair is read again, an unchanged one is not, and a missing one is told', async () => {
  const sim = new SimClock();
  const files = memoryFiles(sim.clock);
  await files.makeDirectory('/tls');
  const put = async (certificate: string, key: string): Promise<void> => {
    await files.writeFile(paths.certificate, certificate);
    await files.writeFile(paths.key, key);
  };
  await put('certificate 1', 'key 1');
  const watched = new CertificateFiles(paths, files, sim.timers);
  expect(await watched.read()).toEqual({ certificate: 'certificate 1', key: 'key 1' });

  const seen: TlsIdentity[] = [];
  const failures: unknown[] = [];
  watched.watch(
    (identity) => seen.push(identity),
    (error) => failures.push(error),
  );
  await sim.advance(20_000);
  expect(seen).toEqual([]);

  await put('certificate 2', 'key 2');
  await sim.advance(6_000);
  expect(seen).toEqual([{ certificate: 'certificate 2', key: 'key 2' }]);

  await files.remove(paths.key);
  await sim.advance(20_000);
  expect(failures).toEqual([new Error('there is no file /tls/key.pem')]);

  await put('certificate 3', 'key 3');
  await sim.advance(6_000);
  expect(seen).toHaveLength(2);

  watched.stop();
  await put('certificate 4', 'key 4');
  await sim.advance(20_000);
  expect(seen).toHaveLength(2);
  expect(sim.pending).toBe(0);
});
