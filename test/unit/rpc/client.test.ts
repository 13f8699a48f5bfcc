import { status, type Client as GrpcClient, type sendUnaryData } from '@grpc/grpc-js';
import { nodePlatform } from '../../../src/platform/node-platform';
import { makeClient } from '../../../src/rpc/client';
import { grpcJsServer } from '../../../src/rpc/grpc-js-server';
import type { RpcServer } from '../../../src/rpc/server';
import { until } from '../../support/until';
import { definition, queryRoute, type Client } from './support/probe';

describe('a client for calls between our own processes', () => {
  const servers: RpcServer[] = [];
  const clients: GrpcClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await Promise.all(servers.splice(0).map((server) => server.drain(0)));
  });

  async function start(port: number, answer: string): Promise<number> {
    const server = grpcJsServer(nodePlatform().timers, []);
    server.addService(definition(), {
      queryRoute: (_call: unknown, reply: sendUnaryData<unknown>) =>
        reply(null, { status: { code: 20000, message: answer } }),
    });
    servers.push(server);
    return server.listen('127.0.0.1', port);
  }

  function client(port: number, options?: Parameters<typeof makeClient>[2]): Client {
    const made = makeClient<Client>(definition(), `127.0.0.1:${port}`, options);
    clients.push(made);
    return made;
  }

  it('finds a server that came back within its longest wait, though it was long away', async () => {
    const port = await start(0, 'first');
    const asking = client(port, { maxReconnectMs: 100 });
    expect((await queryRoute(asking)).status?.message).toBe('first');
    await servers.pop()?.drain(0);
    // Some refused attempts, after which an unbounded backoff would have grown to seconds.
    let refused = 0;
    await until('refusals', 8000, async () => {
      await expect(queryRoute(asking)).rejects.toMatchObject({ code: status.UNAVAILABLE });
      return ++refused >= 20 ? true : undefined;
    });
    await start(port, 'second');
    const answered = await until('an answer', 1000, () =>
      queryRoute(asking).catch(() => undefined),
    );
    expect(answered.status?.message).toBe('second');
  });

  it('takes no answer above its limit', async () => {
    const port = await start(0, 'x'.repeat(2000));
    await expect(queryRoute(client(port, { maxMessageBytes: 1000 }))).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
  });

  it('ends calls to nobody UNAVAILABLE', async () => {
    const port = await start(0, '');
    await servers.pop()?.drain(0);
    await expect(queryRoute(client(port))).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  it('pays no heed to a proxy in the environment', async () => {
    const port = await start(0, 'direct');
    const before = process.env['http_proxy'];
    process.env['http_proxy'] = 'http://127.0.0.1:9';
    try {
      expect((await queryRoute(client(port))).status?.message).toBe('direct');
    } finally {
      if (before === undefined) delete process.env['http_proxy'];
      else process.env['http_proxy'] = before;
    }
  });
});
