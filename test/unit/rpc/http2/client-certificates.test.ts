import { once } from 'node:events';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { type Client, status } from '@grpc/grpc-js';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { makeClient } from '../../../../src/rpc/client';
import type { ClientTls } from '../../../../src/rpc/client-credentials';
import { GrpcServer } from '../../../../src/rpc/grpc/grpc-server';
import type { TlsParts } from '../../../../src/rpc/tls/tls-parts';
import { Authority } from '../../../support/authority';
import { until, within } from '../../../support/until';
import { echoDefinition, echoHandlers } from '../grpc/echo-service';

const DAY_MS = 86_400_000;
const authority = new Authority();
const stranger = new Authority('somebody else');
const own = authority.issue('a server');

let server: GrpcServer;
let port: number;
let refusals: string[];
const clients: Client[] = [];

beforeEach(async () => {
  refusals = [];
  server = new GrpcServer(nodePlatform(), {
    tlsMode: 'enforcing',
    onInsecure: (peer, reason) => refusals.push(`${peer} ${reason}`),
  });
  server.addService(echoDefinition, { ...echoHandlers });
  server.setIdentity(own);
  port = await server.listen('127.0.0.1', 0);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});

function connect(tls?: ClientTls): Client {
  const client = makeClient<Client>(echoDefinition, `localhost:${port}`, { tls });
  clients.push(client);
  return client;
}

function call(client: Client): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = echoDefinition.Unary;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.from('x'),
      { deadline: Date.now() + 5000 },
      (error, value) => (error === null ? resolve(String(value)) : reject(error)),
    );
  });
}

/** What the server sends before it ends the connection. */
async function told(options: ConnectionOptions): Promise<{ resumed: boolean; text: string }> {
  const socket = connectTls({ port, host: 'localhost', ca: authority.certificate, ...options });
  let text = '';
  let resumed = false;
  socket.once('secureConnect', () => (resumed = socket.isSessionReused()));
  socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
  socket.on('error', () => undefined);
  await within('the end', 5000, once(socket, 'close'));
  return { resumed, text };
}

test('a client with a certificate of the authority is served', async () => {
  expect(await call(connect(() => authority.issue('a proxy')))).toBe('x');
  expect(refusals).toEqual([]);
});

test.each<[string, TlsParts, string]>([
  ['none', { ca: own.ca }, '127.0.0.1 it showed no certificate'],
  [
    'one of another authority',
    { ...stranger.issue('a spy'), ca: own.ca },
    '127.0.0.1 its certificate (CN=a spy) is not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
  [
    'one that has expired',
    authority.issue('too old', { fromMs: Date.now() - 3 * DAY_MS }),
    '127.0.0.1 its certificate (CN=too old) is not trusted: CERT_HAS_EXPIRED',
  ],
  [
    'one that is not valid yet',
    authority.issue('too young', { fromMs: Date.now() + DAY_MS }),
    '127.0.0.1 its certificate (CN=too young) is not trusted: CERT_NOT_YET_VALID',
  ],
])('a client that shows %s is refused, and who it is and why is told', async (_, tls, refusal) => {
  await expect(call(connect(() => tls))).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  expect(refusals[0]).toBe(refusal);
  expect(server.runningCalls).toBe(0);
});

test('a client without TLS is refused', async () => {
  await expect(call(connect())).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  expect(refusals[0]).toBe('127.0.0.1 it came without TLS');
});

test('a client without a certificate reads why it is refused', async () => {
  const { text } = await told({});
  expect(text).toContain('takes only who shows a certificate that it trusts');
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'a session of %s that began without a certificate cannot be resumed to get around one',
  async (version) => {
    const sessions: Buffer[] = [];
    const socket = connectTls({
      ...{ port, host: 'localhost', ca: authority.certificate },
      ...{ minVersion: version, maxVersion: version },
    });
    socket.on('session', (session: Buffer) => sessions.push(session));
    socket.on('error', () => undefined).resume();
    await within('the end', 5000, once(socket, 'close'));
    const [session = socket.getSession()] = sessions;
    const again = await told({ ...(session && { session }), maxVersion: version });
    expect(again.resumed).toBe(false);
    expect(again.text).toContain('takes only who shows a certificate');
    expect(refusals).toHaveLength(2);
  },
);

test('both sides take renewed certificates for new connections, without a restart', async () => {
  let parts: TlsParts = authority.issue('a proxy');
  const client = connect(() => parts);
  expect(await call(client)).toBe('x');

  const next = new Authority('the next authority');
  server.setIdentity(next.issue('a server'));
  expect(await call(client)).toBe('x'); // on the connection that there is
  const late = connect(() => parts);
  await expect(call(late)).rejects.toMatchObject({ code: status.UNAVAILABLE }); // it does not trust the server

  parts = next.issue('a proxy');
  const answer = await until('an answer', 5000, () => call(late).catch(() => undefined));
  expect(answer).toBe('x');
});
