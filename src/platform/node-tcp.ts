/** TCP connections over node:net. */
import { createServer, type Server, type Socket } from 'node:net';
import { NodeTlsContext } from './node-tls';
import { NodeSocket } from './node-socket';
import type { Listener, SocketAddress, TcpConnection, TcpEvents, TlsContext } from './platform';

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

class NodeTcpConnection extends NodeSocket implements TcpConnection {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;

  constructor(socket: Socket) {
    super(socket);
    this.remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    this.local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 };
  }

  startTls(context: TlsContext, received: Buffer, distrusted: (reason: string) => void): void {
    if (!(context instanceof NodeTlsContext)) throw new TypeError('a context of another platform');
    const raw = this.socket;
    raw.removeAllListeners('data');
    raw.removeAllListeners('end');
    raw.pause();
    raw.unshift(received);
    context.secure(raw, (secured, distrust) => {
      this.socket = secured;
      secured.on('error', (error: Error) => {
        this.error = error;
        secured.destroy(); // node leaves it open when a client asks for new keys
      });
      if (distrust !== undefined) distrusted(distrust);
      this.listen(secured);
    });
  }
}
