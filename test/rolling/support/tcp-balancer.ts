import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { WireCalls, type WireCall } from './wire-calls';

/**
 * A balancer of connections on loopback, as HAProxy with `balance leastconn` and `option redispatch`: a connection
 * goes to the server that has the fewest, and to another one when that refuses it. It notes what becomes of every call.
 */
export class TcpBalancer {
  readonly calls: WireCall[] = [];
  /** Bytes that are no HTTP/2, and other faults of its own. */
  readonly faults: string[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly used = new Map<number, number>();
  private readonly server = createServer({ allowHalfOpen: true }, (client) => {
    void this.join(client);
  });

  /** @param ports of the servers, on loopback */
  constructor(private readonly ports: readonly number[]) {}

  /** @returns where clients connect */
  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.server, 'close');
  }

  private async join(client: Socket): Promise<void> {
    this.keep(client);
    for (const port of this.ports.toSorted((a, b) => this.usedBy(a) - this.usedBy(b))) {
      this.used.set(port, this.usedBy(port) + 1);
      const server = await this.reach(port);
      if (server !== undefined) {
        this.pass(client, server, () => this.used.set(port, this.usedBy(port) - 1));
        return;
      }
      this.used.set(port, this.usedBy(port) - 1);
    }
    client.destroy();
  }

  private async reach(port: number): Promise<Socket | undefined> {
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    try {
      await once(server, 'connect');
      this.keep(server);
      return server;
    } catch {
      return undefined;
    }
  }

  private pass(client: Socket, server: Socket, left: () => void): void {
    const calls = new WireCalls((call) => this.calls.push(call));
    const look = (at: (chunk: Buffer) => void) => (chunk: Buffer) => {
      try {
        at(chunk);
      } catch (error) {
        this.faults.push(String(error));
      }
    };
    client.on(
      'data',
      look((chunk) => calls.fromClient(chunk)),
    );
    server.on(
      'data',
      look((chunk) => calls.fromServer(chunk)),
    );
    client.pipe(server);
    server.pipe(client);
    client.on('close', (broken: boolean) => {
      if (broken) server.destroy();
    });
    server.on('close', (broken: boolean) => {
      calls.close();
      left();
      if (broken) client.resetAndDestroy();
    });
  }

  private usedBy(port: number): number {
    return this.used.get(port) ?? 0;
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.sockets.delete(socket));
  }
}
