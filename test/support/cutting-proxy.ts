/** A proxy on loopback that counts what passes through, and can cut all connections at once. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export class CuttingProxy {
  /** Bytes that passed, both ways. */
  bytes = 0;
  /** Connections that were made so far. */
  connections = 0;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((client) => this.join(client));

  /**
   * @param target the loopback port that connections go on to
   * @param greeting goes there first on each connection
   */
  constructor(
    private readonly target: number,
    private readonly greeting: Uint8Array = Buffer.alloc(0),
  ) {}

  /** @returns the port that clients connect to */
  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  /** Resets all connections; new ones are taken as before. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.server.close();
    this.cut();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    this.connections++;
    const upstream = connect(this.target, '127.0.0.1');
    upstream.write(this.greeting);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (chunk: Buffer) => (this.bytes += chunk.length));
      from.on('error', () => undefined); // 'close' follows
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
