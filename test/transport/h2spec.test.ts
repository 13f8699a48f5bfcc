/** What RFC 9113 and RFC 7541 ask of a server, by h2spec, in its strict form. */
import { nodePlatform } from '../../src/platform/node-platform';
import { GrpcServer } from '../../src/rpc/grpc/grpc-server';
import { developmentCertificate } from '../../src/rpc/tls/development-certificate';
import { goProgram, run } from '../support/go-program';

const H2SPEC = 'github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible';

describe('h2spec', () => {
  let program: string;
  let server: GrpcServer;
  let port: number;

  beforeAll(async () => {
    program = await goProgram(H2SPEC);
    const platform = nodePlatform();
    server = new GrpcServer(platform);
    server.setIdentity(developmentCertificate([], platform.clock, platform.random));
    port = await server.listen('127.0.0.1', 0);
  });

  afterAll(() => server.close());

  test.each([
    ['in plaintext', []],
    ['over TLS', ['--tls', '--insecure']],
  ])('fails none of its cases %s', async (_how, how) => {
    const flags = ['--strict', '--host', '127.0.0.1', '--port', String(port), ...how];
    const { stdout } = await run(program, flags).catch((failed: { stdout: string }) => failed);
    expect(stdout.slice(-3000)).toMatch(/146 tests, 146 passed, 0 skipped, 0 failed/);
  });
});
