import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { status, type ServiceError } from '@grpc/grpc-js';
import { EtcdMember } from '../../../../src/link/etcd/etcd-member';
import { until } from '../../../support/until';

const WAIT_MS = 5000;

describe('the way to a member of etcd', () => {
  let server: Server;
  const sockets: Socket[] = [];
  let nowMs = 0;
  let member: EtcdMember;

  beforeEach(async () => {
    // It takes connections and never says a word: to a client they do not come to be.
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.resume();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const clock = { monotonicMs: () => nowMs, wallMs: () => nowMs };
    member = new EtcdMember(`127.0.0.1:${port}`, undefined, clock);
  });

  afterEach(async () => {
    member.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  function ask(): Promise<ServiceError | null> {
    return new Promise((resolve) => member.rpc.Range({}, (error) => resolve(error)));
  }

  it('begins a connection anew that has not come to be within 5 s', async () => {
    const first = ask();
    await until('a connection', WAIT_MS, () => (sockets.length === 1 ? true : undefined));
    nowMs = 1_000;
    void ask();
    nowMs = 5_900;
    void ask();
    expect(sockets).toHaveLength(1);
    nowMs = 6_100;
    void ask();
    expect((await first)?.code).toBe(status.UNAVAILABLE);
    await until('another connection', WAIT_MS, () => (sockets.length === 2 ? true : undefined));
  });
});
