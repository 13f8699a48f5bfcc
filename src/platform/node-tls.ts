/** The server's side of TLS over node:tls, on connections that were accepted in plaintext. */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { TlsContext, TlsIdentity } from './platform';

/** How long a handshake may take, ms. */
const HANDSHAKE_MS = 10_000;

/** A TLS server that listens nowhere: connections are given to it, as node:tls allows. */
export class NodeTlsContext implements TlsContext {
  private readonly server: Server;
  /** Who waits for the handshake of the connection between two addresses. */
  private readonly waiting = new Map<string, (secured: TLSSocket) => void>();

  constructor({ certificate, key }: TlsIdentity) {
    this.server = createServer({
      cert: certificate,
      key,
      ALPNProtocols: ['h2', 'http/1.1'],
      handshakeTimeout: HANDSHAKE_MS,
    });
    this.server.on('secureConnection', (secured) => {
      // A client could make us compute by asking for new keys again and again; HTTP/2 forbids it (RFC 9113, 9.2.1).
      secured.disableRenegotiation();
      this.waiting.get(pathOf(secured))?.(secured);
    });
    // The socket is destroyed by then, which its owner hears.
    this.server.on('tlsClientError', () => undefined);
  }

  setIdentity({ certificate, key }: TlsIdentity): void {
    this.server.setSecureContext({ cert: certificate, key });
  }

  /** Does the handshake on `raw`; calls `secured` after it. If it fails, `raw` is closed. */
  secure(raw: Socket, secured: (socket: TLSSocket) => void): void {
    // A client that ends its side before the handshake is over will not come back.
    raw.allowHalfOpen = false;
    const path = pathOf(raw);
    this.waiting.set(path, (socket) => {
      this.waiting.delete(path);
      secured(socket);
    });
    raw.once('close', () => this.waiting.delete(path));
    this.server.emit('connection', raw);
  }
}

/** Both addresses: no two connections of a machine have the same. */
function pathOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
