import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import type { Platform, TlsIdentity } from '../../../../src/platform/platform';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { GrpcServer, type GrpcServerOptions } from '../../../../src/rpc/grpc/grpc-server';
import { ErrorCode } from '../../../../src/rpc/http2/error-code';
import { CLIENT_PREFACE, FrameType } from '../../../../src/rpc/http2/frame';
import { developmentCertificate } from '../../../../src/rpc/tls/development-certificate';
import { SimClock } from '../../../support/sim-clock';
import { echoDefinition, echoHandlers } from '../grpc/echo-service';
import { message, RawClient, request, settings } from './raw-client';

const platform = nodePlatform();
const identity = developmentCertificate([], platform.clock, platform.random);

let server: GrpcServer;
let port: number;
const cleanUps: (() => void)[] = [];

async function start(options: GrpcServerOptions = {}, on: Platform = platform): Promise<void> {
  server = new GrpcServer(on, options);
  server.addService(echoDefinition, { ...echoHandlers });
  server.setIdentity(identity);
  port = await server.listen('127.0.0.1', 0);
}

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
  await server.close();
});

/** One call on a connection of its own. */
async function call(trust: TlsIdentity | undefined, body: Buffer): Promise<Buffer | undefined> {
  const client = new Client(
    `localhost:${port}`,
    trust === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(Buffer.from(trust.certificate)),
    {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_send_message_length': -1,
      'grpc.max_receive_message_length': -1,
    },
  );
  try {
    return await new Promise((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = echoDefinition.Unary;
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        body,
        { deadline: Date.now() + 5000 },
        (error, value) => (error === null ? resolve(value) : reject(error)),
      );
    });
  } finally {
    client.close();
  }
}

async function tls(options: object = {}): Promise<TLSSocket> {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: identity.certificate,
    ALPNProtocols: ['h2'],
    ...options,
  });
  cleanUps.push(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** What comes back for these bytes, until the server ends the connection. */
async function answerTo(...pieces: readonly Buffer[]): Promise<Buffer> {
  const socket = connectTcp(port, '127.0.0.1');
  cleanUps.push(() => socket.destroy());
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await once(socket, 'connect');
  for (const piece of pieces) socket.write(piece);
  await once(socket, 'end');
  return Buffer.concat(parts);
}

async function textOf(
  make: typeof httpRequest | typeof httpsRequest,
  options: RequestOptions = {},
): Promise<string> {
  const asked = make({ host: '127.0.0.1', port, path: '/', agent: false, ...options });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = `${response.statusCode} `;
  for await (const part of response) text += String(part);
  return text;
}

test('plaintext and TLS are served on one port', async () => {
  await start();
  const body = Buffer.alloc(5_000_000, 'x');
  await server.close();
  await start({ maxReceiveBytes: body.length });
  expect(await call(undefined, Buffer.from('plain'))).toEqual(Buffer.from('plain'));
  expect(await call(identity, Buffer.from('secret'))).toEqual(Buffer.from('secret'));
  expect((await call(identity, body))?.equals(body)).toBe(true);
});

test('TLS agrees on h2', async () => {
  await start();
  expect((await tls()).alpnProtocol).toBe('h2');
});

test('first bytes may come one by one', async () => {
  await start();
  const client = await RawClient.open(port, 'nothing');
  cleanUps.push(() => client.close());
  const bytes = Buffer.concat([
    CLIENT_PREFACE,
    settings(),
    request(1, 0),
    message(1, Buffer.from('slow')),
  ]);
  for (const byte of bytes) expect(await client.sendAll(Buffer.of(byte))).toBe(true);
  expect((await client.next(FrameType.DATA)).payload.subarray(5).toString()).toBe('slow');
});

test('where TLS is demanded, plaintext is told so', async () => {
  await start({ tlsMode: 'enforcing' });
  const client = await RawClient.open(port);
  cleanUps.push(() => client.close());
  expect(await client.goAway()).toEqual({
    code: ErrorCode.INADEQUATE_SECURITY,
    text: 'This port speaks gRPC (HTTP/2), for clients of RocketMQ 5, and takes TLS only',
  });
  expect(await textOf(httpRequest)).toMatch(/^505 .*takes TLS only\.\n$/);
  expect(await call(identity, Buffer.from('secret'))).toEqual(Buffer.from('secret'));
});

test('where TLS is off, a client that begins it gets an alert', async () => {
  await start({ tlsMode: 'disabled' });
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  expect(error.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  expect(await call(undefined, Buffer.from('plain'))).toEqual(Buffer.from('plain'));
});

test('a browser is told in HTTP/1 what this port speaks, in plaintext and in TLS', async () => {
  await start();
  const told = '505 This port speaks gRPC (HTTP/2), for clients of RocketMQ 5.\n';
  expect(await textOf(httpRequest)).toBe(told);
  const options = { rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };
  expect(await textOf(httpsRequest, options)).toBe(told);
});

test('a client of Remoting is told in Remoting, in JSON or the binary form', async () => {
  await start();
  const remotingFrame = (form: number, header: Buffer): Buffer => {
    const frame = Buffer.alloc(8 + header.length);
    frame.writeUInt32BE(4 + header.length, 0);
    frame.writeUInt32BE(header.length, 4);
    frame[4] = form;
    header.copy(frame, 8);
    return frame;
  };
  const json = Buffer.from('{"code":105,"flag":0,"language":"JAVA","opaque":77,"version":1}');
  const binary = Buffer.from('00690000010000004d0000000000000000' + '00000000', 'hex');
  for (const bytes of [remotingFrame(0, json), remotingFrame(1, binary)]) {
    const answer = await answerTo(bytes);
    expect(answer.readUInt32BE(0)).toBe(answer.length - 4);
    expect(answer.readUInt32BE(4)).toBe(answer.length - 8);
    expect(JSON.parse(answer.toString('utf8', 8))).toEqual({
      code: 3,
      flag: 1,
      opaque: 77,
      remark: 'This port speaks gRPC (HTTP/2), for clients of RocketMQ 5',
    });
  }
});

test('who speaks nothing known is closed without a word', async () => {
  await start();
  expect(await answerTo(Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'))).toHaveLength(0);
  expect(await answerTo(Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]))).toHaveLength(0);
});

test('a new identity is shown to new connections, open ones go on', async () => {
  await start();
  const open = await tls();
  const other = developmentCertificate(['other'], platform.clock, platform.random);
  server.setIdentity(other);
  expect(await call(other, Buffer.from('new'))).toEqual(Buffer.from('new'));
  await expect(call(identity, Buffer.from('old'))).rejects.toThrow(/certificate/);
  const told = once(open, 'data');
  open.write(Buffer.concat([CLIENT_PREFACE, settings()]));
  const [first] = (await told) as [Buffer];
  expect(first[3]).toBe(FrameType.SETTINGS);
});

test('an identity that does not fit is refused, and the one before stays', async () => {
  await start();
  const other = developmentCertificate([], platform.clock, platform.random);
  expect(() => server.setIdentity({ ...other, certificate: identity.certificate })).toThrow(
    /key values mismatch/,
  );
  expect(await call(identity, Buffer.from('still'))).toEqual(Buffer.from('still'));
});

test('a client may not ask for new keys', async () => {
  await start();
  const socket = await tls({ maxVersion: 'TLSv1.2' });
  socket.on('error', () => undefined);
  socket.resume();
  socket.write(CLIENT_PREFACE);
  socket.renegotiate({}, () => undefined);
  await once(socket, 'close');
});

test('a handshake that does not end in time is closed', async () => {
  const sim = new SimClock();
  const timers = { ...sim.timers, nextTurn: platform.timers.nextTurn };
  await start({ http2: { handshakeMs: 5000 } }, { ...platform, clock: sim.clock, timers });
  const socket = connectTcp(port, '127.0.0.1');
  cleanUps.push(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.resume();
  socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
  const closed = once(socket, 'close');
  while (server.connectionCount === 0) await new Promise((resolve) => setImmediate(resolve));
  await sim.advance(7000);
  await closed;
});

test('connections that come and go leave nothing behind', async () => {
  await start();
  for (let round = 0; round < 10; round++) {
    const sockets = Array.from({ length: 50 }, () => connectTcp(port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    sockets.forEach((socket, at) => {
      socket.on('error', () => undefined);
      if (at % 3 === 0) socket.write(Buffer.of(0x16, 3, 1));
      if (at % 3 === 1) socket.write(CLIENT_PREFACE.subarray(0, at % 24));
      if (at % 2 === 0) socket.destroy();
      else socket.resetAndDestroy();
    });
  }
  expect(await call(undefined, Buffer.from('after'))).toEqual(Buffer.from('after'));
  while (server.connectionCount > 0) await new Promise((resolve) => setImmediate(resolve));
});
