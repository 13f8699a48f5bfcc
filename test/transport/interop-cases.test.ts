/** The cases of the gRPC project's interoperability suite, by grpc-go's client, against our own transport. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePlatform } from '../../src/platform/node-platform';
import { GrpcServer } from '../../src/rpc/grpc/grpc-server';
import { developmentCertificate } from '../../src/rpc/tls/development-certificate';
import { goProgram, run } from '../support/go-program';
import { testService } from './support/test-service';

const CLIENT = 'google.golang.org/grpc/interop/client@v1.85.0';

const CASES = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'cancel_after_begin',
  'cancel_after_first_response',
  'timeout_on_sleeping_server',
  'status_code_and_message',
  'special_status_message',
  'unimplemented_method',
  'unimplemented_service',
  'custom_metadata',
] as const;

describe('grpc-go’s interoperability client', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-transport-'));
  const trusted = join(folder, 'certificate.pem');
  let program: string;
  let server: GrpcServer;
  let port: number;

  beforeAll(async () => {
    program = await goProgram(CLIENT);
    const platform = nodePlatform();
    const identity = developmentCertificate([], platform.clock, platform.random);
    writeFileSync(trusted, identity.certificate);
    server = new GrpcServer(platform);
    server.setIdentity(identity);
    const { definition, implementation } = testService();
    server.addService(definition, implementation);
    port = await server.listen('127.0.0.1', 0);
  });

  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const tlsFlags = [
    '--use_tls',
    '--use_test_ca',
    `--ca_file=${trusted}`,
    '--server_host_override=localhost',
  ];

  describe.each([
    ['in plaintext', []],
    ['over TLS', tlsFlags],
  ])('%s', (_how, how) => {
    test.each(CASES)('%s', async (name) => {
      const { stderr } = await run(
        program,
        ['--server_host=127.0.0.1', `--server_port=${port}`, `--test_case=${name}`, ...how],
        { env: { ...process.env, GRPC_GO_LOG_SEVERITY_LEVEL: 'info' } },
      );
      expect(stderr).toMatch(/done\n/i);
    });
  });
});
