/**
 * A connection before one knows what it is. The first bytes tell: TLS is begun and the question asked again inside,
 * HTTP/2 is served, everything else gets an answer in its own protocol and is closed.
 *
 *     accepted --> tls? --> handshake --> first bytes inside
 *            \                                |
 *             \------------------------------ h2 --> Http2Connection, which hears everything from then on
 *                                             other --> one line, end
 */
import type { TcpConnection, TcpEvents, TlsContext } from '../../platform/platform';
import { Http2Connection, type ConnectionHost } from './connection';
import { CLIENT_PREFACE } from './frame';
import { answerTo, languageOf, type Language } from './strangers';

/**
 * - `permissive`: plaintext and TLS
 * - `enforcing`: TLS only
 * - `disabled`: plaintext only
 */
export type TlsMode = 'permissive' | 'enforcing' | 'disabled';

/** What a connection needs of its server. */
export interface PortHost extends ConnectionHost {
  readonly tlsMode: TlsMode;
  /** Absent: there is no TLS, whatever the mode. */
  readonly tlsContext: TlsContext | undefined;
  gone(connection: PortConnection): void;
}

/** How long a client gets to read why it is not served, ms. */
const LINGER_MS = 2_000;
/** More than any first bytes that one could tell something by. */
const MAX_FIRST_BYTES = 4_096;

export class PortConnection implements TcpEvents {
  private http2: Http2Connection | undefined;
  private first: Buffer | undefined;
  private secure = false;
  private refused = false;
  private dropMs: number;

  constructor(
    private readonly socket: TcpConnection,
    private readonly host: PortHost,
  ) {
    const { handshakeMs } = host.options;
    this.dropMs = handshakeMs > 0 ? host.monotonicMs() + handshakeMs : Infinity;
  }

  /** The client's address, as limits count it. */
  get remoteHost(): string {
    return this.socket.remote.host;
  }

  onData(chunk: Buffer): void {
    if (this.http2 !== undefined) this.http2.onData(chunk);
    else if (!this.refused) this.listen(chunk);
  }

  onDrain(): void {
    this.http2?.onDrain();
  }

  onEnd(): void {
    if (this.http2 !== undefined) this.http2.onEnd();
    else this.socket.end();
  }

  onClose(): void {
    this.http2?.onClose();
    this.host.gone(this);
  }

  /** See `Http2Connection.drain`; who has not said what it is, is closed. */
  drain(graceMs: number): void {
    if (this.http2 !== undefined) this.http2.drain(graceMs);
    else this.socket.destroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Looks at the clock: called about once a second. */
  tick(nowMs: number): void {
    if (this.http2 !== undefined) this.http2.tick(nowMs);
    else if (nowMs > this.dropMs) this.socket.destroy();
  }

  private listen(chunk: Buffer): void {
    const bytes = this.first === undefined ? chunk : Buffer.concat([this.first, chunk]);
    const language = languageOf(bytes);
    const { tlsContext, tlsMode } = this.host;
    const hasTls = tlsContext !== undefined && tlsMode !== 'disabled';
    if (language === 'more') {
      this.first = bytes;
    } else if (language === 'tls' && hasTls && !this.secure) {
      this.first = undefined;
      this.secure = true;
      this.socket.startTls(tlsContext, bytes);
    } else if (language === 'h2' && (this.secure || !hasTls || tlsMode === 'permissive')) {
      this.first = undefined;
      this.http2 = new Http2Connection(this.socket, this.host);
      this.http2.onData(bytes.subarray(CLIENT_PREFACE.length));
    } else {
      this.refuse(language, bytes.subarray(0, MAX_FIRST_BYTES));
    }
  }

  private refuse(language: Language, bytes: Buffer): void {
    const wantsTls = this.host.tlsMode === 'enforcing' && !this.secure;
    this.refused = true;
    this.first = undefined;
    this.dropMs = this.host.monotonicMs() + LINGER_MS;
    this.socket.write(answerTo(language, bytes, wantsTls));
    this.socket.end();
  }
}
