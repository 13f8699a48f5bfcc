import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { status, type Client as GrpcClient, type sendUnaryData } from '@grpc/grpc-js';
import { makeClient } from '../../../src/rpc/client';
import type { RpcServer } from '../../../src/rpc/server';
import { testServer } from '../../support/transport';
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
    const server = testServer();
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

  it('finds a server that came back', async () => {
    const port = await start(0, 'first');
    const asking = client(port, { maxReconnectMs: 100 });
    expect((await queryRoute(asking)).status?.message).toBe('first');
    await servers.pop()?.drain(0);
    await expect(queryRoute(asking)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await start(port, 'second');
    const answered = await until('an answer', 2000, () =>
      queryRoute(asking).catch(() => undefined),
    );
    expect(answered.status?.message).toBe('second');
  });

  it('goes on trying at its longest wait, however long the server is away', async () => {
    let attempts = 0;
    const refusing = createServer((socket) => {
      attempts++;
      socket.destroy();
    });
    refusing.listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    try {
      const { port } = refusing.address() as AddressInfo;
      client(port, { maxReconnectMs: 50 }).waitForReady(Infinity, () => undefined);
      // With a wait that grows by 1.6 from 50 ms, these would take over 20 s.
      await until('12 attempts', 5000, () => (attempts >= 12 ? true : undefined));
    } finally {
      refusing.close();
    }
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
