import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { Client, credentials } from '@grpc/grpc-js';
import { nodePlatform } from '../../../../src/platform/node-platform';
import type { Platform } from '../../../../src/platform/platform';
import { GrpcServer, type GrpcServerOptions } from '../../../../src/rpc/grpc/grpc-server';
import { FrameType } from '../../../../src/rpc/http2/frame';
import type { ProxyHeaderUse } from '../../../../src/rpc/http2/port-connection';
import { developmentCertificate } from '../../../../src/rpc/tls/development-certificate';
import { CuttingProxy } from '../../../support/cutting-proxy';
import { headerV2, rawV2 } from '../../../support/proxy-headers';
import { SimClock } from '../../../support/sim-clock';
import { echoDefinition, echoHandlers } from '../grpc/echo-service';
import { message, RawClient, request } from './raw-client';

const platform = nodePlatform();
const identity = developmentCertificate([], platform.clock, platform.random);
const CLIENT = headerV2('192.0.2.7 49152', '198.51.100.1 8081');

let server: GrpcServer;
let port: number;
let refusals: string[];
const cleanUps: (() => unknown)[] = [];

/** A server that answers a call with who called whom; loopback peers are balancers. */
async function start(
  use: ProxyHeaderUse,
  options: GrpcServerOptions = {},
  on: Platform = platform,
): Promise<void> {
  refusals = [];
  server = new GrpcServer(on, {
    ...options,
    proxyProtocol: {
      expected: (host) => (host === '127.0.0.1' ? use : 'none'),
      refused: (peer, reason) => refusals.push(`${peer}: ${reason}`),
    },
  });
  server.addService(echoDefinition, {
    ...echoHandlers,
    Unary: (
      call: { getPeer(): string; getLocalAddress?(): string },
      answer: (e: null, b: Buffer) => void,
    ) => answer(null, Buffer.from(`${call.getPeer()} > ${call.getLocalAddress?.()}`)),
  });
  server.setIdentity(identity);
  port = await server.listen('127.0.0.1', 0);
}

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  await server.close();
});

/** A connection that begins with these bytes and then speaks HTTP/2. */
async function open(header: Uint8Array): Promise<RawClient> {
  const client = await RawClient.open(port, 'nothing');
  cleanUps.push(() => client.close());
  if (header.length > 0) client.send(header);
  return client;
}

async function called(client: RawClient): Promise<string> {
  client.greet();
  client.send(request(1, 0), message(1, Buffer.of(1)));
  return (await client.next(FrameType.DATA)).payload.subarray(5).toString();
}

const own = ({ socket }: RawClient): string => `127.0.0.1:${socket.localPort} > 127.0.0.1:${port}`;

test('calls come from the client that the header names, to the address it came to', async () => {
  await start('required');
  expect(await called(await open(CLIENT))).toBe('192.0.2.7:49152 > 198.51.100.1:8081');
  const six = headerV2('2001:db8::7 1', '::1 2');
  expect(await called(await open(six))).toBe('[2001:db8::7]:1 > [::1]:2');
  const line = 'PROXY TCP4 192.0.2.9 198.51.100.1 5 6\r\n';
  expect(await called(await open(Buffer.from(line)))).toBe('192.0.2.9:5 > 198.51.100.1:6');
});

test('a header may come byte by byte', async () => {
  await start('required');
  const client = await open(Buffer.alloc(0));
  for (const byte of CLIENT) expect(await client.sendAll(Buffer.of(byte))).toBe(true);
  expect(await called(client)).toBe('192.0.2.7:49152 > 198.51.100.1:8081');
});

test('what a balancer asks for itself comes from the balancer', async () => {
  await start('required');
  const client = await open(rawV2(0x20, 0, Buffer.alloc(0)));
  expect(await called(client)).toBe(own(client));
});

test('TLS begins behind the header', async () => {
  await start('required', { tlsMode: 'enforcing' });
  const balancer = new CuttingProxy(port, CLIENT);
  cleanUps.push(() => balancer.close());
  const trust = credentials.createSsl(Buffer.from(identity.certificate));
  const client = new Client(`localhost:${await balancer.listen()}`, trust);
  cleanUps.push(() => client.close());
  const answer = await new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = echoDefinition.Unary;
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      Buffer.of(1),
      (error, value) => (error === null ? resolve(String(value)) : reject(error)),
    );
  });
  expect(answer).toBe('192.0.2.7:49152 > 198.51.100.1:8081');
});

test('where a header is required, a connection without one is closed, and the reason told', async () => {
  await start('required');
  const client = await open(Buffer.alloc(0));
  client.greet();
  await client.untilClosed();
  expect(refusals).toEqual(['127.0.0.1: none came, and rpc.proxyProtocol is required']);
});

test('where a header is optional, both are served', async () => {
  await start('optional');
  expect(await called(await open(CLIENT))).toBe('192.0.2.7:49152 > 198.51.100.1:8081');
  const plain = await open(Buffer.alloc(0));
  expect(await called(plain)).toBe(own(plain));
});

test('a header that is wrong ends the connection, and the reason is told', async () => {
  await start('optional');
  await (await open(headerV2('1.1.1.1 1', '2.2.2.2 2', { command: 0x31 }))).untilClosed();
  await (await open(Buffer.from('PROXY TCP4 here there 1 2\r\n'))).untilClosed();
  expect(refusals).toEqual([
    '127.0.0.1: version 3 with command 1, known is 2 with 0 or 1',
    '127.0.0.1: version 1 with a line that cannot be read: "PROXY TCP4 here there 1 2"',
  ]);
});

test.each([
  ['version 2', CLIENT],
  ['version 1', Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n')],
])('a peer that is no balancer is refused with a header of %s', async (_version, header) => {
  await start('none');
  await (await open(header)).untilClosed();
  expect(refusals).toEqual([
    '127.0.0.1: one came from a peer that rpc.proxyProtocol does not let send any',
  ]);
  const plain = await open(Buffer.alloc(0));
  expect(await called(plain)).toBe(own(plain));
});

test('a second header is not read', async () => {
  await start('required');
  await (await open(Buffer.concat([CLIENT, headerV2('127.0.0.1 1', '127.0.0.1 2')]))).untilClosed();
  expect(refusals).toHaveLength(1);
});

test('connections are counted by the client’s address, not by the balancer’s', async () => {
  await start('required', { http2: { maxConnectionsPerAddress: 1 } });
  const from = (client: string): Buffer => headerV2(client, '198.51.100.1 8081');
  const first = await open(from('192.0.2.7 1'));
  await called(first);
  await called(await open(from('192.0.2.8 1')));
  const third = await open(from('192.0.2.7 2'));
  third.greet();
  await third.untilClosed();
  first.close();
  while (server.connectionCount > 1) await new Promise((resolve) => setImmediate(resolve));
  await called(await open(from('192.0.2.7 3')));
});

test('connections that have not said who they are count among all', async () => {
  await start('required', { http2: { maxConnections: 1 } });
  await open(CLIENT.subarray(0, 20));
  while (server.connectionCount < 1) await new Promise((resolve) => setImmediate(resolve));
  await (await open(CLIENT)).untilClosed();
});

test('a header that does not end in time is closed', async () => {
  const sim = new SimClock();
  const timers = { ...sim.timers, nextTurn: platform.timers.nextTurn };
  await start(
    'required',
    { http2: { handshakeMs: 5000 } },
    { ...platform, clock: sim.clock, timers },
  );
  const socket = connectTcp(port, '127.0.0.1');
  cleanUps.push(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.resume();
  socket.write(CLIENT.subarray(0, 27));
  const closed = once(socket, 'close');
  while (server.connectionCount === 0) await new Promise((resolve) => setImmediate(resolve));
  await sim.advance(7000);
  await closed;
  expect(server.connectionCount).toBe(0);
});
