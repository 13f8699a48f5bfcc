/**
 * What a server allows its peers. Each is a setting of its own because each bounds something else; what
 * happens at the limit is in its comment. 0 switches a time off.
 */
export interface Http2Options {
  /** Connections open at once; more are closed when they come. At least 1. */
  readonly maxConnections: number;
  /** Connections open at once from one address; more are closed when they come. At least 1. */
  readonly maxConnectionsPerAddress: number;
  /** Streams open at once on a connection; more are refused (REFUSED_STREAM: clients try again). At least 1. */
  readonly maxConcurrentStreams: number;
  /** Largest frame payload taken, bytes, 16,384 .. 16,777,215; a larger one ends the connection. */
  readonly maxFrameBytes: number;
  /**
   * Sum of a request's header fields, each counted with 32 bytes more. A request above it is answered 431; a
   * header block that is longer than this as it is sent ends the connection (ENHANCE_YOUR_CALM).
   */
  readonly maxHeaderListBytes: number;
  /** The memory for header compression that a client may use, bytes. */
  readonly headerTableBytes: number;
  /** What a client may send on a stream before it is taken, bytes, up to 2^31 - 1. */
  readonly streamWindowBytes: number;
  /** What a client may send on a connection before it is read, bytes, 65,535 .. 2^31 - 1. */
  readonly connectionWindowBytes: number;
  /** A stream is told to hold back (`write` answers false) when this many bytes wait for the peer. */
  readonly streamHighWaterBytes: number;
  /** A stream that is written to when already this many bytes wait is reset (ENHANCE_YOUR_CALM). */
  readonly maxPendingStreamBytes: number;
  /**
   * The same for the sum over a connection's streams; at a quarter of it all of them are told to
   * hold back, at half of it new requests are refused (REFUSED_STREAM: clients try again).
   */
  readonly maxPendingConnectionBytes: number;
  /** What requests of a connection may keep in memory while they wait for their end or their handler, bytes. */
  readonly maxHeldConnectionBytes: number;
  /** No request is read while this many bytes wait in a socket; streams' bytes wait in the streams then. */
  readonly socketHighWaterBytes: number;
  /**
   * Frames that bring nothing on (PING, SETTINGS, PRIORITY, empty DATA, WINDOW_UPDATE, frames for streams that
   * are gone, unknown ones) that may come at once; each request and each piece of data allows 16 more, each
   * second 100. Beyond them the connection ends (ENHANCE_YOUR_CALM).
   */
  readonly maxIdleFrames: number;
  /**
   * Requests that may end without an answer, by a reset of either side, at once; each answered request allows one
   * more, each second 100. Beyond them the connection ends (ENHANCE_YOUR_CALM).
   */
  readonly maxUnansweredRequests: number;
  /** Time for a new connection to say that it speaks HTTP/2, ms, its TLS handshake included. */
  readonly handshakeMs: number;
  /** Time in which a frame, or a header block, that has begun must end, ms. */
  readonly frameMs: number;
  /** A peer that was silent this long is sent a PING, ms. */
  readonly keepaliveMs: number;
  /** A connection whose peer sends nothing this long after that PING is dropped, ms. */
  readonly keepaliveTimeoutMs: number;
  /** A connection without streams is ended (GOAWAY) after this time, ms. */
  readonly idleMs: number;
  /** A connection is ended (GOAWAY, open streams go on) at this age, ms, a tenth more or less. */
  readonly maxAgeMs: number;
  /** What open streams get to end when a connection ends by age or for being idle, ms; then they are reset. */
  readonly graceMs: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_HTTP2_OPTIONS: Http2Options = {
  maxConnections: 16_384,
  maxConnectionsPerAddress: 8_192,
  maxConcurrentStreams: 1_024,
  maxFrameBytes: 16_384,
  maxHeaderListBytes: 16_384,
  headerTableBytes: 4_096,
  streamWindowBytes: MIB,
  connectionWindowBytes: 16 * MIB,
  streamHighWaterBytes: 64 * 1024,
  maxPendingStreamBytes: 16 * MIB,
  maxPendingConnectionBytes: 24 * MIB,
  maxHeldConnectionBytes: 64 * MIB,
  socketHighWaterBytes: 256 * 1024,
  maxIdleFrames: 2_000,
  maxUnansweredRequests: 2_048,
  handshakeMs: 10_000,
  frameMs: 30_000,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 20_000,
  idleMs: 120_000,
  maxAgeMs: 0,
  graceMs: 30_000,
};
