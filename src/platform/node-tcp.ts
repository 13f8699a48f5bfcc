/** TCP connections over node:net. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Listener, SocketAddress, TcpConnection, TcpEvents } from './platform';

/** Accepts TCP connections on `host:port`; see `Sockets.listenTcp`. */
export function listenTcp(
  host: string,
  port: number,
  accept: (connection: TcpConnection) => TcpEvents,
): Promise<Listener> {
  // Half open sockets: a peer that ends its side still gets its answers.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const connection = new NodeTcpConnection(socket);
    connection.attach(accept(connection));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      const address = server.address();
      const taken = typeof address === 'object' && address !== null ? address.port : port;
      resolve({ port: taken, close: () => closeServer(server) });
    });
  });
}

/** Resolves when the port is free again; what was accepted lives on, so node's own close is not waited for. */
function closeServer(server: Server): Promise<void> {
  server.close();
  return Promise.resolve();
}

class NodeTcpConnection implements TcpConnection {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  private events: TcpEvents | undefined;
  private waiting = false;
  private error: Error | undefined;

  constructor(private readonly socket: Socket) {
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    this.local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 };
  }

  attach(events: TcpEvents): void {
    this.events = events;
    this.socket.on('data', (chunk: Buffer) => {
      events.onData(chunk);
    });
    this.socket.on('end', () => {
      events.onEnd();
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.on('close', () => {
      events.onClose(this.error);
    });
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.socket;
    if (socket.destroyed || socket.writableEnded) return true;
    socket.write(bytes, this.written);
    // Node writes at once what the kernel has room for, and counts down before `write` returns.
    if (socket.writableLength === 0) return true;
    this.waiting = true;
    return false;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private readonly written = (): void => {
    if (!this.waiting || this.socket.writableLength > 0) return;
    this.waiting = false;
    this.events?.onDrain();
  };
}
