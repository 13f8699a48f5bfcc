/** Connections that this process asks for, in plaintext or TLS. */
import { readFileSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { NodeSocket } from './node-socket';
import type { DialEvents, DialTarget, TcpSocket } from './platform';

/** See `Sockets.dialTcp`. */
export function dialTcp(target: DialTarget, events: DialEvents): TcpSocket {
  return target.tls === undefined ? dialPlain(target, events) : dialSecure(target, events);
}

function dialPlain({ host, port }: DialTarget, events: DialEvents): TcpSocket {
  const socket = connect({ host, port, noDelay: true });
  const connection = new NodeSocket(socket);
  connection.attach(events);
  socket.once('connect', () => events.onOpen());
  return connection;
}

function dialSecure({ host, port, tls }: DialTarget, events: DialEvents): TcpSocket {
  const { ca = defaultRoots(), certificate, key } = tls ?? {};
  const options: ConnectionOptions = {
    host,
    port,
    ALPNProtocols: ['h2'],
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key }),
  };
  const socket: TLSSocket = connectTls(options);
  socket.setNoDelay(true);
  const connection = new NodeSocket(socket);
  connection.attach(events);
  socket.once('secureConnect', () => {
    if (socket.alpnProtocol === 'h2') events.onOpen();
    else socket.destroy(new Error(`${host}:${port} speaks TLS, but not HTTP/2`));
  });
  return connection;
}

/** The variable is grpc-js's, which our other clients have. @throws Error when its file cannot be read */
function defaultRoots(): Buffer | undefined {
  const path = process.env['GRPC_DEFAULT_SSL_ROOTS_FILE_PATH'] ?? '';
  return path === '' ? undefined : readFileSync(path);
}
