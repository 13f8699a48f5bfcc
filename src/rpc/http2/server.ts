/** An HTTP/2 server on the platform's sockets: accepts connections, holds their limits, and drains them. */
import type {
  Listener,
  Platform,
  TcpConnection,
  TcpEvents,
  TimerHandle,
  TlsContext,
  TlsIdentity,
} from '../../platform/platform';
import type { Http2Connection } from './connection';
import { DEFAULT_HTTP2_OPTIONS, type Http2Options } from './options';
import { BlockPool } from './output';
import {
  PortConnection,
  type PortHost,
  type ProxyHeaderUse,
  type TlsMode,
} from './port-connection';
import type { RequestHead } from './request-head';
import type { Http2Stream, StreamListener } from './stream';

/** How often connections look at the clock, ms: the grain of all their times. */
const TICK_MS = 1_000;

/** Answers who serves a request that has begun. It may answer the stream at once. Must not throw. */
export type RequestHandler = (stream: Http2Stream, head: RequestHead) => StreamListener;

/** Balancers that say for whom they speak, by the PROXY protocol. */
export interface ProxyProtocol {
  /** What a peer may or must send, by its IP address. */
  readonly expected: (host: string) => ProxyHeaderUse;
  /** Hears of each connection that was ended for its header, or the lack of one. */
  readonly refused: (peer: string, reason: string) => void;
}

/** Hears nothing: for connections that are closed as they come. */
const NOBODY: TcpEvents = {
  onData: () => undefined,
  onDrain: () => undefined,
  onEnd: () => undefined,
  onClose: () => undefined,
};

/** Beside what is served: whom to take, and who hears of those who are not. */
export interface PortPolicy {
  /** What is taken once there is an identity; before `setIdentity` there is no TLS. Default `permissive`. */
  readonly tlsMode?: TlsMode;
  /** Default: no peer may send a header of the PROXY protocol. */
  readonly proxyProtocol?: ProxyProtocol;
  /** Hears of each connection that was ended for having no TLS, or no certificate that is trusted. */
  readonly onInsecure?: (peer: string, reason: string) => void;
}

export class Http2Server implements PortHost {
  readonly options: Http2Options;
  readonly pool = new BlockPool();
  readonly tlsMode: TlsMode;
  tlsContext: TlsContext | undefined;
  private readonly listeners: Listener[] = [];
  /** Each with the address that it is counted under, once its client is known. */
  private readonly connections = new Map<PortConnection, string | undefined>();
  private readonly perAddress = new Map<string, number>();
  private unflushed: Http2Connection[] = [];
  private timer: TimerHandle | undefined;
  private readonly emptied: (() => void)[] = [];

  /**
   * @param options what differs from `DEFAULT_HTTP2_OPTIONS`
   */
  constructor(
    private readonly platform: Platform,
    private readonly handler: RequestHandler,
    options: Partial<Http2Options> = {},
    private readonly policy: PortPolicy = {},
  ) {
    this.tlsMode = policy.tlsMode ?? 'permissive';
    this.options = { ...DEFAULT_HTTP2_OPTIONS, ...options };
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /**
   * Shows this identity on new connections; the first one is what makes TLS possible.
   * @throws Error when certificate and key do not belong together, or are no PEM: the one before stays
   */
  setIdentity(identity: TlsIdentity): void {
    if (this.tlsContext === undefined) {
      this.tlsContext = this.platform.sockets.tlsContext(identity);
    } else {
      this.tlsContext.setIdentity(identity);
    }
  }

  /**
   * Serves connections on `host:port`; may be called for several. Port 0 takes any free one.
   * @returns the port
   * @throws Error with Node's codes: EADDRINUSE, EACCES, EADDRNOTAVAIL
   */
  async listen(host: string, port: number): Promise<number> {
    const listener = await this.platform.sockets.listenTcp(host, port, (socket) =>
      this.accept(socket),
    );
    this.listeners.push(listener);
    return listener.port;
  }

  /**
   * Takes no more connections and requests; resolves when what is open has ended, or was dropped because
   * `graceMs` had passed (a second more or less).
   */
  async drain(graceMs: number): Promise<void> {
    const closed = this.stopListening();
    for (const connection of [...this.connections.keys()]) connection.drain(graceMs);
    await closed;
    await this.untilEmpty();
  }

  /** Drops everything at once. */
  async close(): Promise<void> {
    await this.stopListening();
    for (const connection of [...this.connections.keys()]) connection.destroy();
    await this.untilEmpty();
  }

  // What connections ask.

  monotonicMs(): number {
    return this.platform.clock.monotonicMs();
  }

  random(): number {
    return this.platform.random.uint32() / 2 ** 32;
  }

  request(stream: Http2Stream, head: RequestHead): StreamListener {
    return this.handler(stream, head);
  }

  flushSoon(connection: Http2Connection): void {
    if (this.unflushed.push(connection) === 1) this.platform.timers.nextTurn(this.flushAll);
  }

  admit(connection: PortConnection): boolean {
    const host = connection.remoteHost;
    const fromThere = this.perAddress.get(host) ?? 0;
    if (fromThere >= this.options.maxConnectionsPerAddress) return false;
    this.perAddress.set(host, fromThere + 1);
    this.connections.set(connection, host);
    return true;
  }

  badHeader(peer: string, reason: string): void {
    this.policy.proxyProtocol?.refused(peer, reason);
  }

  insecure(peer: string, reason: string): void {
    this.policy.onInsecure?.(peer, reason);
  }

  gone(connection: PortConnection): void {
    const host = this.connections.get(connection);
    if (!this.connections.delete(connection)) return;
    if (host !== undefined) this.oneLessFrom(host);
    if (this.connections.size > 0) return;
    this.timer?.cancel();
    this.timer = undefined;
    for (const resolve of this.emptied.splice(0)) resolve();
  }

  private oneLessFrom(host: string): void {
    const left = (this.perAddress.get(host) ?? 1) - 1;
    if (left > 0) this.perAddress.set(host, left);
    else this.perAddress.delete(host);
  }

  private accept(socket: TcpConnection): TcpEvents {
    const use = this.policy.proxyProtocol?.expected(socket.remote.host) ?? 'none';
    const connection = new PortConnection(socket, this, use);
    const isRoom = this.connections.size < this.options.maxConnections;
    if (!isRoom || (use === 'none' && !this.admit(connection))) {
      socket.destroy();
      return NOBODY;
    }
    if (use !== 'none') this.connections.set(connection, undefined);
    this.timer ??= this.platform.timers.after(TICK_MS, this.tick);
    return connection;
  }

  private readonly flushAll = (): void => {
    const connections = this.unflushed;
    this.unflushed = [];
    for (const connection of connections) connection.flush();
  };

  private readonly tick = (): void => {
    this.timer = this.platform.timers.after(TICK_MS, this.tick);
    const nowMs = this.monotonicMs();
    for (const connection of [...this.connections.keys()]) connection.tick(nowMs);
  };

  private async stopListening(): Promise<void> {
    await Promise.all(this.listeners.splice(0).map((listener) => listener.close()));
  }

  private untilEmpty(): Promise<void> {
    if (this.connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.emptied.push(resolve);
    });
  }
}
