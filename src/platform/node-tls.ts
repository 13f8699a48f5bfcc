/** The server's side of TLS over node:tls, on connections that were accepted in plaintext. */
import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  createServer,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import type { TlsContext, TlsIdentity } from './platform';

/** How long a handshake may take, ms. */
const HANDSHAKE_MS = 10_000;

/** @param distrust why the client's certificate does not do; `undefined` when it does, or none is asked for */
type Secured = (socket: TLSSocket, distrust: string | undefined) => void;

/** A TLS server that listens nowhere: connections are given to it, as node:tls allows. */
export class NodeTlsContext implements TlsContext {
  private readonly server: Server;
  private readonly asksForCertificates: boolean;
  /** Who waits for the handshake of the connection between two addresses. */
  private readonly waiting = new Map<string, (secured: TLSSocket) => void>();

  constructor(identity: TlsIdentity) {
    this.asksForCertificates = identity.ca !== undefined;
    // Node tells nobody whom it has rejected and why; `distrustOf` looks itself, and tells.
    const asking: TlsOptions = { requestCert: true, rejectUnauthorized: false };
    this.server = createServer({
      ...contextOf(identity),
      ...(this.asksForCertificates && asking),
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

  setIdentity(identity: TlsIdentity): void {
    this.server.setSecureContext(contextOf(identity));
  }

  /** Does the handshake on `raw`; calls `secured` after it. If it fails, `raw` is closed. */
  secure(raw: Socket, secured: Secured): void {
    // A client that ends its side before the handshake is over will not come back.
    raw.allowHalfOpen = false;
    const path = pathOf(raw);
    this.waiting.set(path, (socket) => {
      this.waiting.delete(path);
      secured(socket, this.asksForCertificates ? distrustOf(socket) : undefined);
    });
    raw.once('close', () => this.waiting.delete(path));
    this.server.emit('connection', raw);
  }
}

function contextOf({ certificate, key, ca }: TlsIdentity): SecureContextOptions {
  const shown = { cert: certificate, key };
  if (ca === undefined) return shown;
  // Nobody resumes a session: each connection is checked against the certificates that are trusted then.
  return { ...shown, ca, secureOptions: constants.SSL_OP_NO_TICKET };
}

/**
 * Why a client is not to be served, if so. A certificate must be there whatever node says of it: it counts a session
 * that is resumed without one as authorized.
 */
function distrustOf(socket: TLSSocket): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return 'it showed no certificate';
  if (socket.authorized) return undefined;
  const subject = certificate.subject.replaceAll('\n', ', ');
  return `its certificate (${subject}) is not trusted: ${String(socket.authorizationError)}`;
}

/** Both addresses: no two connections of a machine have the same. */
function pathOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
