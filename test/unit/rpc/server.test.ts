import { once } from 'node:events';
import { connect, constants, type ClientHttp2Session } from 'node:http2';
import type { Client as GrpcClient, ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { Metadata, status, type ServerWritableStream } from '@grpc/grpc-js';
import { lastHeader } from '../../../src/rpc/call-context';
import { makeClient } from '../../../src/rpc/client';
import type { TelemetryCommand__Output } from '../../../src/rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import type { RpcServer } from '../../../src/rpc/server';
import { until, within } from '../../support/until';
import {
  clientFor,
  definition,
  drainStream,
  echo,
  healthClient,
  implementations,
  queryRoute,
  SERVICE,
  type Client,
} from './support/probe';

type Unary = ServerUnaryCall<Record<string, never>, unknown>;
type Answer = sendUnaryData<unknown>;

describe.each(implementations)('a server on %s', (_name, makeServer) => {
  const servers: RpcServer[] = [];
  const clients: GrpcClient[] = [];
  const sessions: ClientHttp2Session[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const session of sessions.splice(0)) session.destroy();
    await Promise.all(servers.splice(0).map((server) => server.drain(0)));
  });

  async function start(
    handlers: Record<string, (...args: never[]) => void>,
    options?: Parameters<typeof makeServer>[0],
  ): Promise<{ server: RpcServer; port: number; client: Client }> {
    const server = makeServer(options);
    server.addService(definition(), handlers as never);
    servers.push(server);
    const port = await server.listen('127.0.0.1', 0);
    const client = clientFor(port);
    clients.push(client);
    return { server, port, client };
  }

  it('answers a unary call with what its handler gives', async () => {
    const { client } = await start({
      queryRoute: (call: ServerUnaryCall<{ topic: { name: string } }, unknown>, answer: Answer) =>
        answer(null, { status: { code: 20000, message: call.request.topic.name } }),
    });
    const response = await queryRoute(client, { topic: { name: 'orders' } });
    expect(response.status).toEqual({ code: 20000, message: 'orders' });
  });

  it('streams the items of a server stream in order, then OK', async () => {
    const { client } = await start({
      receiveMessage: (call: ServerWritableStream<unknown, unknown>) => {
        call.write({ status: { code: 20000, message: 'OK' } });
        call.write({ message: { body: Buffer.from('one') } });
        call.write({ delivery_timestamp: { seconds: 7, nanos: 0 } });
        call.end();
      },
    });
    const { messages, code } = await drainStream(client.receiveMessage({}));
    expect(code).toBe(status.OK);
    expect(messages.map(({ content }) => content)).toEqual([
      'status',
      'message',
      'delivery_timestamp',
    ]);
  });

  it('carries messages both ways on a bidirectional stream', async () => {
    const { client } = await start({ telemetry: echo });
    const stream = client.telemetry();
    const ended = drainStream<TelemetryCommand__Output>(stream);
    stream.write({ verify_message_result: { nonce: 'a' } });
    stream.write({ thread_stack_trace: { nonce: 'b' } });
    stream.end();
    const { messages, code } = await ended;
    expect(code).toBe(status.OK);
    expect(messages.map((message) => message.command)).toEqual([
      'verify_message_result',
      'thread_stack_trace',
    ]);
  });

  it('tells a handler of headers, authority, peer and deadline', async () => {
    let seen: unknown;
    const { client, port } = await start({
      queryRoute: (call: Unary, answer: Answer) => {
        seen = {
          clientId: lastHeader(call.metadata, 'x-mq-client-id'),
          authority: call.getHost(),
          peer: call.getPeer().replace(/\d+$/, 'N'),
          leftMs: Math.round((Number(call.getDeadline()) - Date.now()) / 10_000) * 10_000,
        };
        answer(null, {});
      },
    });
    const metadata = new Metadata();
    metadata.add('x-mq-client-id', 'first');
    metadata.add('x-mq-client-id', 'last');
    await new Promise<void>((resolve, reject) => {
      client.queryRoute({}, metadata, { deadline: Date.now() + 60_000 }, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    expect(seen).toEqual({
      clientId: 'last',
      authority: `127.0.0.1:${port}`,
      peer: '127.0.0.1:N',
      leftMs: 60_000,
    });
  });

  it('answers a method without a handler UNIMPLEMENTED', async () => {
    const { client } = await start({});
    await expect(queryRoute(client)).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  });

  it('takes and gives messages far above 4 MiB', async () => {
    const { client } = await start({ telemetry: echo });
    const text = 'x'.repeat(9 * 1024 * 1024);
    const stream = client.telemetry();
    const ended = drainStream<TelemetryCommand__Output>(stream);
    stream.end({ thread_stack_trace: { nonce: 'n', thread_stack_trace: text } });
    const { messages, code } = await ended;
    expect(code).toBe(status.OK);
    expect(messages[0]?.thread_stack_trace?.thread_stack_trace?.length).toBe(text.length);
  });

  it('refuses a message above its limit RESOURCE_EXHAUSTED, and goes on', async () => {
    const { client } = await start(
      { queryRoute: (_call: Unary, answer: Answer) => answer(null, {}) },
      { maxReceiveBytes: 1000 },
    );
    const tooLarge = queryRoute(client, { topic: { name: 'x'.repeat(1000) } });
    await expect(tooLarge).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    await expect(queryRoute(client, { topic: { name: 'x'.repeat(900) } })).resolves.toBeDefined();
  });

  it('is told apart by a clear error when its port is taken', async () => {
    const { port } = await start({});
    const second = makeServer();
    servers.push(second);
    await expect(second.listen('127.0.0.1', port)).rejects.toThrow('EADDRINUSE');
  });

  it('lives through pings at a rate that most gRPC servers end a connection for', async () => {
    const { port } = await start({});
    const session = connect(`http://127.0.0.1:${port}`);
    sessions.push(session);
    const goaways: number[] = [];
    session.on('goaway', (code: number) => goaways.push(code));
    await within('a connection', 5000, once(session, 'connect'));
    for (let count = 0; count < 200; count++) {
      await new Promise<void>((resolve, reject) => {
        session.ping((error) => (error === null ? resolve() : reject(error)));
      });
    }
    expect(goaways).toEqual([]);
    expect(session.closed).toBe(false);
  });

  it('ends an idle connection, and none with an open stream', async () => {
    const { client, port } = await start({ telemetry: echo }, { idleMs: 200 });
    const stream = client.telemetry();
    stream.on('error', () => undefined);
    stream.write({ thread_stack_trace: { nonce: 'before' } });
    await within('the first echo', 5000, once(stream, 'data'));
    const idle = connect(`http://127.0.0.1:${port}`);
    sessions.push(idle);
    const [code] = (await within('GOAWAY', 8000, once(idle, 'goaway'))) as [number];
    expect(code).toBe(constants.NGHTTP2_NO_ERROR);
    stream.write({ thread_stack_trace: { nonce: 'after' } });
    const [message] = (await within('the next echo', 5000, once(stream, 'data'))) as [unknown];
    expect(message).toMatchObject({ thread_stack_trace: { nonce: 'after' } });
    stream.cancel();
  });

  it('lets a running call finish when it drains, and takes no new ones', async () => {
    let answerLater: (() => void) | undefined;
    const { server, port, client } = await start({
      queryRoute: (_call: Unary, answer: Answer) => {
        answerLater = () => answer(null, { status: { code: 20000, message: 'late' } });
      },
    });
    const running = queryRoute(client);
    const finish = await until('the call', 5000, () => answerLater);
    const drained = server.drain(5000);
    const other = clientFor(port);
    clients.push(other);
    await expect(queryRoute(other)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    finish();
    expect((await running).status?.message).toBe('late');
    await within('the drain', 4000, drained);
  });

  it('cuts calls that outlast the grace of a drain', async () => {
    const { server, client } = await start({ telemetry: echo });
    const stream = client.telemetry();
    const ended = drainStream(stream);
    stream.write({ thread_stack_trace: { nonce: 'n' } });
    await within('the echo', 5000, once(stream, 'data'));
    await within('the drain', 4000, server.drain(100));
    expect([status.UNAVAILABLE, status.CANCELLED, status.INTERNAL]).toContain((await ended).code);
  });

  it('is NOT_SERVING until it is said to serve, as a whole and each service', async () => {
    const { server, port } = await start({});
    const health = healthClient(port);
    clients.push(health);
    expect(await health.check('')).toBe('NOT_SERVING');
    server.setServing(true);
    expect(await health.check('')).toBe('SERVING');
    expect(await health.check(SERVICE)).toBe('SERVING');
    await expect(health.check('no.such.Service')).rejects.toMatchObject({ code: status.NOT_FOUND });
    server.setServing(false);
    expect(await health.check(SERVICE)).toBe('NOT_SERVING');
  });

  it('tells watchers of its health at once, and ends the watch when it drains', async () => {
    const { server, port } = await start({});
    const health = healthClient(port);
    clients.push(health);
    const watch = health.watch('');
    const ended = drainStream(watch);
    await within('the first status', 5000, once(watch, 'data'));
    server.setServing(true);
    await within('the second status', 5000, once(watch, 'data'));
    await within('the drain', 4000, server.drain(60_000));
    const { messages, code } = await ended;
    expect(messages.map(({ status: said }) => said)).toEqual([
      'NOT_SERVING',
      'SERVING',
      'NOT_SERVING',
    ]);
    expect(code).toBe(status.OK);
  });

  it('serves two clients of its own kind at once, each on its own connection', async () => {
    const peers = new Set<string>();
    const { client, port } = await start({
      queryRoute: (call: Unary, answer: Answer) => {
        peers.add(call.getPeer());
        answer(null, {});
      },
    });
    const other = makeClient<Client>(definition(), `127.0.0.1:${port}`);
    clients.push(other);
    await Promise.all([queryRoute(client), queryRoute(other)]);
    expect(peers.size).toBe(2);
  });
});
