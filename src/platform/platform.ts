/**
 * All that touches the world outside the process's memory. Every other module takes these in as
 * arguments, so that a whole cluster can run in one process under simulated time and faults.
 */
export interface Platform {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly files: Files;
  readonly sockets: Sockets;
}

export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01T00:00:00Z. May jump either way. */
  wallMs(): number;
  /** Monotonic clock, milliseconds with fractions from an arbitrary start. Never goes back. */
  monotonicMs(): number;
}

export interface TimerHandle {
  cancel(): void;
}

export interface Timers {
  /** Runs `task` once, not before `delayMs` milliseconds have passed. Does not keep a process alive. */
  after(delayMs: number, task: () => void): TimerHandle;
  /** Runs `task` after the input and output of the current turn of the event loop. */
  nextTurn(task: () => void): void;
}

export interface Random {
  bytes(count: number): Buffer;
  /** Uniform in 0 .. 2^32 - 1. */
  uint32(): number;
}

/** An open file. Positions and lengths are bytes. */
export interface FileHandle {
  readonly path: string;
  /** Writes all of `buffers`, one after the other, from `position` on; a short write is continued. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** As `write`, but the event loop stands still until it is done. Files that can't have none. */
  writeNow?(buffers: readonly Uint8Array[], position: number): void;
  /** Fills `target` from `position` on; answers the bytes read, fewer only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Resolves when all that was written before the call is on stable storage. */
  datasync(): Promise<void>;
  /** Sets the length; a longer file is extended by zeros that occupy no space. */
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface FileStat {
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly directory: boolean;
}

export interface DiskSpace {
  readonly totalBytes: number;
  /** What this process may still take. */
  readonly freeBytes: number;
}

/** `read`: must exist. `write`: read and write, must exist. `create`: read and write, made if absent. */
export type OpenMode = 'read' | 'write' | 'create';

export interface FileLock {
  release(): Promise<void>;
}

/** Failures reject with Node's error codes in `code`: ENOENT, ENOSPC, EIO, EMFILE ... */
export interface Files {
  open(path: string, mode: OpenMode): Promise<FileHandle>;
  /** Makes a directory and its parents; one that exists is fine. */
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, sorted; empty when there is no such directory. */
  list(path: string): Promise<string[]>;
  stat(path: string): Promise<FileStat | undefined>;
  /** The whole file, or `undefined` when there is none. */
  readFile(path: string): Promise<Buffer | undefined>;
  /** Writes the whole file with permission bits `mode` (default 0o644); neither synced nor atomic. */
  writeFile(path: string, data: Uint8Array | string, mode?: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is absent is fine. */
  remove(path: string): Promise<void>;
  /** Removes a directory and all in it; one that is absent is fine. */
  removeTree(path: string): Promise<void>;
  /** Makes names that were created, renamed or removed in a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** How full the disk is that holds `path`, which must exist. */
  space(path: string): Promise<DiskSpace>;
  /**
   * Takes `path` for this process until released or the process ends.
   * @param beside a file that no process may have locked by the system (fcntl), where that can be seen
   * @throws Error with code ELOCKED naming the holder when another live process has one of them.
   */
  lock(path: string, beside?: string): Promise<FileLock>;
}

export interface HttpRequest {
  readonly method: string;
  /** Path with query, as sent. */
  readonly url: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface Listener {
  /** The port listened on: the one given by the system when 0 was asked. */
  readonly port: number;
  close(): Promise<void>;
}

export interface SocketAddress {
  /** IPv4 or IPv6 address; empty when the peer was gone before it could be asked. */
  readonly host: string;
  readonly port: number;
}

/** This end of a TCP connection. Its owner hears of it through the `TcpEvents` that it gave. */
export interface TcpSocket {
  /** Bytes written that the system has not taken yet. */
  readonly bufferedBytes: number;
  /**
   * Hands bytes on. True: the system took all of them, `bytes` may be used again. False: some are
   * kept, `bytes` must stay as it is, and `onDrain` comes when all has left. Ignored once closed.
   */
  write(bytes: Uint8Array): boolean;
  /** Stops `onData` until `resume`; a chunk already on its way may still come. */
  pause(): void;
  resume(): void;
  /** Sends what was written, then the end of the stream; the peer may still send. */
  end(): void;
  /** Drops the connection at once, with all that was not sent. */
  destroy(): void;
}

/** One accepted TCP connection. */
export interface TcpConnection extends TcpSocket {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  /**
   * Begins TLS as the server, before anything was written. `received` is what has come so far: the first
   * bytes of the client's handshake. From then on both directions carry what is inside TLS; a handshake that
   * fails ends in `onClose`. A client that offers protocols (ALPN) must offer h2 or http/1.1, and h2 is chosen first.
   * `distrusted` is called after a handshake, before `onData`, when the context asks for a certificate and the client
   * has shown none that it trusts: it may be told so, and nothing else.
   */
  startTls(context: TlsContext, received: Buffer, distrusted: (reason: string) => void): void;
}

/** What a server shows, and whom it trusts; all of it PEM. */
export interface TlsIdentity {
  /** With its chain. */
  readonly certificate: string;
  /** Its private key. */
  readonly key: string;
  /** Who must have signed the certificates of clients. Absent: clients need none. */
  readonly ca?: string;
}

/** Whom a client trusts, and what it shows of itself. All of it PEM; a certificate comes with its key. */
export interface DialTls {
  /** Instead of the system's roots. */
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** Whom to connect to. */
export interface DialTarget {
  /** An IP address, or a name, which is looked up each time. */
  readonly host: string;
  readonly port: number;
  /**
   * Absent: plaintext. The server must show a certificate for `host` and speak h2. Without a `ca` the roots are those in the
   * file of gRPC's variable GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, or else the system's.
   */
  readonly tls?: DialTls;
}

/** What connections need to be the server's side of TLS 1.2 and 1.3; made once, used by many. */
export interface TlsContext {
  /**
   * New connections show this identity. Whether clients need a certificate stays as it was made.
   * @throws Error when certificate and key do not belong together
   */
  setIdentity(identity: TlsIdentity): void;
}

/** What a connection tells its owner, each from the event loop; nothing follows `onClose`. */
export interface TcpEvents {
  /** Bytes came. `chunk` is the owner's from now on, it is not used again for later bytes. */
  onData(chunk: Buffer): void;
  /** All that was kept by `write` has left. */
  onDrain(): void;
  /** The peer sends no more. */
  onEnd(): void;
  /** The connection is gone; `error` when not by the will of either side. */
  onClose(error?: Error): void;
}

/** What a connection that was asked for tells: `onOpen`, then the rest; or `onClose` alone. */
export interface DialEvents extends TcpEvents {
  /** The connection is there, and its TLS handshake done. */
  onOpen(): void;
}

export interface Sockets {
  /**
   * Begins a connection; nothing is told before this has returned. What is written before `onOpen` is kept until then.
   * @throws Error when a certificate or key is no PEM, or the variable's file cannot be read
   */
  dialTcp(target: DialTarget, events: DialEvents): TcpSocket;
  /**
   * Accepts TCP connections. Port 0 takes any free one. `accept` is called for each connection and
   * answers who hears of it. Closing the listener leaves accepted connections open.
   * @throws Error with Node's codes: EADDRINUSE, EACCES, EADDRNOTAVAIL.
   */
  listenTcp(
    host: string,
    port: number,
    accept: (connection: TcpConnection) => TcpEvents,
  ): Promise<Listener>;
  /** @throws Error when certificate and key do not belong together, or are no PEM */
  tlsContext(identity: TlsIdentity): TlsContext;
  /** Serves small answers over HTTP/1.1: health and metrics. Port 0 takes any free one. */
  listenHttp(
    host: string,
    port: number,
    handler: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>,
  ): Promise<Listener>;
}
