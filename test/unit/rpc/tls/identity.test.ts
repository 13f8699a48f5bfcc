import { once } from 'node:events';
import { connect } from 'node:tls';
import { memoryFiles } from '../../../../src/platform/memory-files';
import { nodePlatform } from '../../../../src/platform/node-platform';
import type { Platform, TlsIdentity } from '../../../../src/platform/platform';
import { GrpcServer } from '../../../../src/rpc/grpc/grpc-server';
import { developmentCertificate } from '../../../../src/rpc/tls/development-certificate';
import { provideIdentity } from '../../../../src/rpc/tls/identity';
import { SimClock } from '../../../support/sim-clock';

const node = nodePlatform();
const paths = { certificate: '/tls/certificate.pem', key: '/tls/key.pem' };

const renewed = (): void => undefined;
let server: GrpcServer;
let port: number;

beforeEach(async () => {
  server = new GrpcServer(node);
  port = await server.listen('127.0.0.1', 0);
});

afterEach(() => server.close());

/** The serial number of the certificate that the server shows. */
async function shown(): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber, subject } = socket.getPeerCertificate();
  socket.destroy();
  expect(subject.CN).toBe('Gantry development certificate');
  return serialNumber;
}

test('a server without files makes its own certificate', async () => {
  const reloadFailed = (error: unknown): void => {
    throw error;
  };
  await provideIdentity(server, node, { hosts: [], renewed, reloadFailed });
  expect(await shown()).toMatch(/^[0-9A-F]{32}$/);
});

test('renewed files are shown to new clients; a pair that does not fit is told of and not used', async () => {
  const sim = new SimClock();
  const platform: Platform = { ...node, files: memoryFiles(sim.clock), timers: sim.timers };
  const put = async ({ certificate, key }: TlsIdentity): Promise<void> => {
    await platform.files.makeDirectory('/tls');
    await platform.files.writeFile(paths.certificate, certificate);
    await platform.files.writeFile(paths.key, key);
  };
  const make = (): TlsIdentity => developmentCertificate([], node.clock, node.random);
  const first = make();
  await put(first);
  const failures: unknown[] = [];
  let renewals = 0;
  const provided = await provideIdentity(server, platform, {
    files: paths,
    hosts: [],
    renewed: () => renewals++,
    reloadFailed: (error) => failures.push(error),
  });
  const serial = await shown();

  await put({ certificate: `${make().certificate}\n`, key: first.key });
  await sim.advance(6_000);
  expect(failures).toEqual([
    expect.objectContaining({ message: expect.stringMatching(/is not the key of/) as string }),
  ]);
  expect(await shown()).toBe(serial);
  expect(renewals).toBe(0);

  await put({ ...make(), certificate: '' });
  await put(make());
  await sim.advance(6_000);
  expect(await shown()).not.toBe(serial);
  expect(renewals).toBe(1);
  provided.stop();
});

test('files that are missing are named', async () => {
  const platform: Platform = { ...node, files: memoryFiles() };
  const reloadFailed = (): void => undefined;
  await expect(
    provideIdentity(server, platform, { files: paths, hosts: [], renewed, reloadFailed }),
  ).rejects.toThrow('/tls/certificate.pem: there is no such file');
});
