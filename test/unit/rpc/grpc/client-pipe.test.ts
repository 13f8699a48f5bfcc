import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { nodePlatform } from '../../../../src/platform/node-platform';
import { grpcJsServer } from '../../../../src/rpc/grpc-js-server';
import { http2RpcServer } from '../../../../src/rpc/grpc/rpc-server';
import type { RpcServer } from '../../../../src/rpc/server';
import { deferred } from '../../../support/deferred';
import { makeIdentity } from '../../../support/tls-files';
import { within } from '../../../support/until';
import { echoDefinition, echoHandlers, type EchoHandlers } from './echo-service';
import { KeptPipe } from './kept-pipe';

const platform = nodePlatform();
const LIMIT_MS = 20_000;
type Chat = ServerDuplexStream<Buffer, Buffer>;

const transports: Readonly<Record<string, () => RpcServer>> = {
  'our own server': () => http2RpcServer(platform, []),
  'grpc-js': () => grpcJsServer(platform.timers, []),
};

describe.each(Object.entries(transports))('a stream of our own client to %s', (_name, make) => {
  let server: RpcServer;
  let address: string;
  const pipes: KeptPipe[] = [];

  async function start(handlers: Partial<EchoHandlers> = {}): Promise<void> {
    server = make();
    server.addService(echoDefinition, { ...echoHandlers, ...handlers });
    address = `127.0.0.1:${await server.listen('127.0.0.1', 0)}`;
  }

  const dial = (
    ...more: ConstructorParameters<typeof KeptPipe> extends [unknown, unknown, ...infer R]
      ? R
      : never
  ): KeptPipe => {
    const pipe = new KeptPipe(platform, address, ...more);
    pipes.push(pipe);
    return pipe;
  };

  afterEach(async () => {
    for (const { pipe } of pipes.splice(0)) pipe.abort('the test is over');
    await server.drain(0);
  });

  it('carries messages of all sizes both ways, in order, and ends in order', async () => {
    await start();
    const chat = dial();
    const sizes = [0, 1, 100, 16_378, 16_379, 16_380, 65_535, 70_000, 300_000, 0, 5];
    const sent = sizes.map((bytes, i) => Buffer.alloc(bytes, i + 1));
    await chat.writeAll(sent);
    await within('all echoed', LIMIT_MS, chat.received(sent.length));
    expect(chat.messages.map(digest)).toEqual(sent.map(digest));
    chat.pipe.end();
    expect(await within('the end', LIMIT_MS, chat.closed)).toMatch(/^(OK|the other side ended)$/);
  });

  it('carries more than all windows both ways, and waits while they are full', async () => {
    await start();
    const chat = dial();
    const sent = Array.from({ length: 400 }, (_, i) => Buffer.alloc(100_000, i & 0xff));
    await within('all sent', LIMIT_MS, chat.writeAll(sent));
    await within('all echoed', LIMIT_MS, chat.received(sent.length));
    expect(chat.messages.map((message) => message[0])).toEqual(sent.map((message) => message[0]));
    expect(chat.messages.every((message) => message.length === 100_000)).toBe(true);
    expect(chat.drains).toBeGreaterThan(0);
  });

  it('stops the other side while it is paused', async () => {
    const stopped = deferred<number>();
    await start({
      Chat: (call: Chat) => {
        let written = 0;
        const body = Buffer.alloc(100_000, 7);
        const fill = (): void => {
          while (written < 300) {
            written++;
            if (!call.write(body)) break;
          }
          if (written < 300) stopped.resolve(written);
        };
        call.on('drain', fill);
        call.on('data', fill);
      },
    });
    const chat = dial();
    chat.pipe.pause();
    chat.pipe.write(Buffer.from('go'));
    expect(await within('the server to be stopped', LIMIT_MS, stopped.promise)).toBeLessThan(300);
    expect(chat.messages).toEqual([]);
    chat.pipe.resume();
    await within('the rest', LIMIT_MS, chat.received(300));
    expect(chat.messages.every((message) => message.length === 100_000)).toBe(true);
  });

  it('ends with the text of the other side', async () => {
    await start({
      Chat: (call: Chat) => {
        call.on('data', () => call.emit('error', { code: 10, details: 'told: 100 % "so", é' }));
      },
    });
    const chat = dial();
    chat.pipe.write(Buffer.from('go'));
    expect(await within('the end', LIMIT_MS, chat.closed)).toBe('told: 100 % "so", é');
    expect(chat.pipe.write(Buffer.from('late'))).toBe(true);
    const missing = dial({}, echoDefinition.Missing);
    missing.pipe.end();
    expect(await within('the end', LIMIT_MS, missing.closed)).toMatch(/method|request message/);
  });

  it('is seen to be gone when it breaks off, and says why at its own end', async () => {
    const called = deferred<void>();
    const cancelled = deferred<void>();
    await start({
      Chat: (call: Chat) => {
        call.on('data', () => called.resolve());
        call.on('cancelled', () => cancelled.resolve());
      },
    });
    const chat = dial();
    chat.pipe.write(Buffer.from('go'));
    await within('the call', LIMIT_MS, called.promise);
    chat.pipe.abort('not wanted any more');
    await within('the server to hear', LIMIT_MS, cancelled.promise);
    expect(await within('the end', LIMIT_MS, chat.closed)).toBe('not wanted any more');
  });

  it('goes on while its server drains, until it is ended', async () => {
    await start();
    const chat = dial();
    await chat.writeAll([Buffer.from('one')]);
    await within('the first', LIMIT_MS, chat.received(1));
    const drained = server.drain(LIMIT_MS);
    await chat.writeAll([Buffer.from('two')]);
    await within('the second', LIMIT_MS, chat.received(2));
    chat.pipe.end();
    await within('the end', LIMIT_MS, chat.closed);
    await within('the server to end', LIMIT_MS, drained);
  });

  it('ends when its server is cut off', async () => {
    await start();
    const chat = dial();
    await chat.writeAll([Buffer.from('one')]);
    await within('the first', LIMIT_MS, chat.received(1));
    await server.drain(0);
    expect(await within('the end', LIMIT_MS, chat.closed)).not.toBe('');
  });

  it('takes no message above its limit', async () => {
    await start();
    const chat = dial({ maxMessageBytes: 1_000 });
    chat.pipe.write(Buffer.alloc(1_001));
    expect(await within('the end', LIMIT_MS, chat.closed)).toMatch(/1001 bytes is above the limit/);
  });

  it('trusts whom it is told to in TLS, for the name that it asked for', async () => {
    const identity = makeIdentity();
    const other = makeIdentity();
    server = make();
    server.addService(echoDefinition, { ...echoHandlers });
    server.setIdentity(identity);
    address = `localhost:${await server.listen('127.0.0.1', 0)}`;
    const chat = dial({ tls: () => ({ ca: identity.certificate }) });
    await chat.writeAll([Buffer.from('secret')]);
    await within('the echo', LIMIT_MS, chat.received(1));
    const stranger = dial({ tls: () => ({ ca: other.certificate }) });
    expect(await within('the refusal', LIMIT_MS, stranger.closed)).toMatch(
      /certificate|self-signed/i,
    );
  });
});

describe('a stream of our own client to', () => {
  const closedFor = async (answer: string): Promise<string> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(answer));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const chat = new KeptPipe(platform, `127.0.0.1:${port}`);
    const reason = await within('the end', LIMIT_MS, chat.closed);
    server.close();
    return reason;
  };

  it('nobody ends with what the system says', async () => {
    const free = createServer();
    free.listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    const chat = new KeptPipe(platform, `127.0.0.1:${port}`);
    expect(await within('the end', LIMIT_MS, chat.closed)).toMatch(/ECONNREFUSED/);
    const nowhere = new KeptPipe(platform, 'no-such-host.invalid:1');
    expect(await within('the end', LIMIT_MS, nowhere.closed)).toMatch(/no-such-host/);
  });

  it('somebody else ends with a word about it', async () => {
    expect(await closedFor('HTTP/1.1 400 Bad Request\r\n\r\n')).toMatch(/broke a rule of HTTP\/2/);
    expect(await closedFor('')).toBe('the other side closed the connection');
  });
});

function digest(bytes: Buffer): string {
  return `${bytes.length} ${createHash('sha1').update(bytes).digest('hex')}`;
}
