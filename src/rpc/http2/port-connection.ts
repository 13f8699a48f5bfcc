/**
 * A connection before one knows what it is. The first bytes tell: TLS is begun and the question asked again inside,
 * HTTP/2 is served, everything else gets an answer in its own protocol and is closed. A balancer that is trusted may
 * say before all that for whom it speaks (proxy-header.ts).
 *
 *     accepted --> header of the PROXY protocol? --> tls? --> handshake --> trusted? --> first bytes inside
 *                                                      \                       \            |
 *                                                       \                       no --> one line, end
 *                                                        \--------------------------------- h2 --> Http2Connection from then on
 *                                                                                           other --> one line, end
 */
import type { TcpConnection, TcpEvents, TlsContext } from '../../platform/platform';
import { Http2Connection, type ConnectionHost } from './connection';
import { CLIENT_PREFACE } from './frame';
import { ProxyHeaderError, readProxyHeader, type ConnectionEnds } from './proxy-header';
import {
  answerTo,
  languageOf,
  WANTS_CERTIFICATE,
  WANTS_TLS,
  WRONG_PROTOCOL,
  type Language,
} from './strangers';

/**
 * - `permissive`: plaintext and TLS
 * - `enforcing`: TLS only
 * - `disabled`: plaintext only
 */
export type TlsMode = 'permissive' | 'enforcing' | 'disabled';

/**
 * What is expected of a peer before its first bytes.
 * - `none`: no header of the PROXY protocol
 * - `optional`: one, or none
 * - `required`: one
 */
export type ProxyHeaderUse = 'none' | 'optional' | 'required';

/** What a connection needs of its server. */
export interface PortHost extends ConnectionHost {
  readonly tlsMode: TlsMode;
  /** Absent: there is no TLS, whatever the mode. */
  readonly tlsContext: TlsContext | undefined;
  /** The address of the connection's client is known; answers whether there is room for it. */
  admit(connection: PortConnection): boolean;
  /** A connection ends because of its header of the PROXY protocol, or the lack of one. */
  badHeader(peer: string, reason: string): void;
  /** A connection ends because it is not as secure as this port wants it. */
  insecure(peer: string, reason: string): void;
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
  private ends: ConnectionEnds;

  /** @param awaited what may come before the first bytes; unless it is `none`, `admit` is asked when they have come */
  constructor(
    private readonly socket: TcpConnection,
    private readonly host: PortHost,
    private awaited: ProxyHeaderUse,
  ) {
    const { handshakeMs } = host.options;
    this.dropMs = handshakeMs > 0 ? host.monotonicMs() + handshakeMs : Infinity;
    this.ends = socket;
  }

  /** The client's address, as limits count it. */
  get remoteHost(): string {
    return this.ends.remote.host;
  }

  onData(chunk: Buffer): void {
    if (this.http2 !== undefined) {
      this.http2.onData(chunk);
    } else if (!this.refused) {
      const bytes = this.first === undefined ? chunk : Buffer.concat([this.first, chunk]);
      this.first = undefined;
      if (this.awaited === 'none') this.listen(bytes);
      else this.introduce(bytes, this.awaited);
    }
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

  /** Reads what a balancer says of its client; the client's own first bytes come behind it. */
  private introduce(bytes: Buffer, use: ProxyHeaderUse): void {
    let header: ReturnType<typeof readProxyHeader>;
    try {
      header = readProxyHeader(bytes);
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw error;
      this.drop(error.message);
      return;
    }
    if (header === 'more') {
      this.first = bytes;
    } else if (header === 'none' && use === 'required') {
      this.drop('none came, and rpc.proxyProtocol is required');
    } else {
      this.awaited = 'none';
      if (header !== 'none') this.ends = header.ends ?? this.socket;
      const own = header === 'none' ? bytes : bytes.subarray(header.bytes);
      if (!this.host.admit(this)) this.destroy();
      else if (own.length > 0) this.listen(own);
    }
  }

  private listen(bytes: Buffer): void {
    const language = languageOf(bytes);
    const { tlsContext, tlsMode } = this.host;
    const hasTls = tlsContext !== undefined && tlsMode !== 'disabled';
    if (language === 'more') {
      this.first = bytes;
    } else if (language === 'tls' && hasTls && !this.secure) {
      this.secure = true;
      this.socket.startTls(tlsContext, bytes, (reason) => this.distrust(reason));
    } else if (language === 'h2' && (this.secure || !hasTls || tlsMode === 'permissive')) {
      this.http2 = new Http2Connection(this.socket, this.host, this.ends);
      this.http2.onData(bytes.subarray(CLIENT_PREFACE.length));
    } else if (language === 'proxy') {
      this.drop('one came from a peer that rpc.proxyProtocol does not let send any');
    } else {
      const wantsTls = tlsMode === 'enforcing' && !this.secure;
      if (wantsTls) this.host.insecure(this.remoteHost, 'it came without TLS');
      this.refuse(language, bytes, wantsTls ? WANTS_TLS : WRONG_PROTOCOL);
    }
  }

  /** The client has no certificate that is trusted: nothing that it sends from here on is looked at. */
  private distrust(reason: string): void {
    this.host.insecure(this.remoteHost, reason);
    this.refuse('h2', Buffer.alloc(0), WANTS_CERTIFICATE);
  }

  private refuse(language: Language, bytes: Buffer, text: string): void {
    this.refused = true;
    this.dropMs = this.host.monotonicMs() + LINGER_MS;
    this.socket.write(answerTo(language, bytes.subarray(0, MAX_FIRST_BYTES), text));
    this.socket.end();
  }

  /** Nobody knows whether a balancer or a client would read an answer. */
  private drop(reason: string): void {
    this.refused = true;
    this.host.badHeader(this.socket.remote.host, reason);
    this.socket.destroy();
  }
}
