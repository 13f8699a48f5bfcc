/** Options of the gRPC ports: the server, what it allows its peers (docs/transport.md), and TLS. */
import { choice, option } from './option';
import type { Option, OptionTree } from './option';
import { PROXY_PROTOCOL_MODES } from './proxy-protocol';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const ADVANCED = { advanced: true };
const OWN = 'For http2 only.';

const count = (fallback: number, min: number, doc: string): Option<'integer'> =>
  option('integer', fallback, doc, { min, max: 1_000_000, ...ADVANCED });
const size = (fallback: number, min: number, max: number, doc: string): Option<'size'> =>
  option('size', fallback, doc, { min, max, ...ADVANCED });
const time = (fallback: number, max: number, doc: string, min = 0): Option<'duration'> =>
  option('duration', fallback, doc, { min, max, ...ADVANCED });

export const rpc = {
  transport: choice(
    ['http2', 'grpc-js'],
    'http2',
    "What serves gRPC: Gantry's own HTTP/2, or the stock server of @grpc/grpc-js, which takes many times the CPU.",
  ),
  maxReceiveBytes: size(
    130 * MIB,
    64 * KIB,
    GIB,
    'The largest message that is taken, unpacked; a larger one ends its call with RESOURCE_EXHAUSTED.',
  ),
  maxSendBytes: size(
    130 * MIB,
    64 * KIB,
    GIB,
    'The largest message that is sent; a larger one ends its call with RESOURCE_EXHAUSTED.',
  ),
  compressAnswers: option(
    'switch',
    false,
    `Whether answers of 1 KiB and more are packed with gzip for clients that take it. ${OWN}`,
    ADVANCED,
  ),
  proxyProtocol: choice(
    PROXY_PROTOCOL_MODES,
    'off',
    `Whether the peers of rpc.proxyProtocolFrom begin with a header of the PROXY protocol, version 1 or 2, that says for which client they speak: never, if they like, or always. Other peers are clients, and may send none. ${OWN}`,
  ),
  proxyProtocolFrom: option(
    'networks',
    [],
    'The balancers that are believed: addresses, or networks such as 10.0.0.0/8.',
    { argument: 'ADDRESS[/BITS][,...]' },
  ),
  maxConnections: count(
    16_384,
    1,
    `Connections open at once; one more is closed as it comes. ${OWN}`,
  ),
  maxConnectionsPerAddress: count(
    8_192,
    1,
    `Connections open at once from one address; one more is closed as it comes. ${OWN}`,
  ),
  maxConcurrentStreams: count(
    1_024,
    1,
    'Calls open at once on a connection; more are refused, and clients try them again.',
  ),
  maxFrameBytes: size(
    16 * KIB,
    16 * KIB,
    16 * MIB - 1,
    `The largest frame that is taken; a larger one ends the connection. ${OWN}`,
  ),
  maxHeaderListBytes: size(
    16 * KIB,
    4 * KIB,
    MIB,
    `The headers of a call, each counted with 32 bytes more; a call above it is answered HTTP status 431. ${OWN}`,
  ),
  headerTableBytes: size(
    4 * KIB,
    0,
    MIB,
    `The memory for header compression that a client may use on a connection. ${OWN}`,
  ),
  streamWindowBytes: size(
    MIB,
    16 * KIB,
    GIB,
    `What a client may send of a call before it is taken. ${OWN}`,
  ),
  connectionWindowBytes: size(
    16 * MIB,
    64 * KIB,
    GIB,
    `What a client may send on a connection before it is read. ${OWN}`,
  ),
  streamHighWaterBytes: size(
    64 * KIB,
    KIB,
    64 * MIB,
    `A call whose answers wait for the client with this many bytes is told to hold back. ${OWN}`,
  ),
  maxPendingStreamBytes: size(
    16 * MIB,
    64 * KIB,
    GIB,
    `A call is cut when more is written to it while this many bytes wait for the client. ${OWN}`,
  ),
  maxPendingConnectionBytes: size(
    24 * MIB,
    64 * KIB,
    4 * GIB,
    `The same for all calls of a connection together; from half of it new calls are refused. ${OWN}`,
  ),
  maxHeldConnectionBytes: size(
    64 * MIB,
    MIB,
    4 * GIB,
    `What unfinished requests of a connection may keep in memory beside one of the largest size; a request that wants more ends with RESOURCE_EXHAUSTED. ${OWN}`,
  ),
  socketHighWaterBytes: size(
    256 * KIB,
    16 * KIB,
    64 * MIB,
    `Nothing more is read from a client that leaves this many bytes in its socket unread. ${OWN}`,
  ),
  maxIdleFrames: count(
    2_000,
    100,
    `Frames that bring nothing on and may come at once; each call and piece of data earns 16, each second 100. Beyond them the connection ends. ${OWN}`,
  ),
  maxUnansweredRequests: count(
    2_048,
    100,
    `Calls that may end without an answer at once; each answered one earns 1, each second 100. Beyond them the connection ends. ${OWN}`,
  ),
  handshake: time(
    10 * SECOND,
    10 * MINUTE,
    `How long a new connection may take to say that it speaks HTTP/2, with its TLS handshake; 0 is for ever. ${OWN}`,
  ),
  frame: time(
    30 * SECOND,
    10 * MINUTE,
    `How long a frame or header block that has begun may take to end; 0 is for ever. ${OWN}`,
  ),
  keepalive: time(
    30 * SECOND,
    2 * HOUR,
    'How long a client may be silent before it is sent a PING, at a name server 10 s at most; 0 sends none.',
  ),
  keepaliveTimeout: time(
    20 * SECOND,
    10 * MINUTE,
    'How long a client may leave that PING unanswered before it is dropped, at a name server 5 s at most.',
    SECOND,
  ),
  idle: time(2 * MINUTE, 24 * HOUR, 'A connection without calls is ended after this; 0 is never.'),
  maxAge: time(
    0,
    168 * HOUR,
    'A connection is ended at this age, for a balancer to place it anew; its calls go on for the grace. 0 is never.',
  ),
  grace: time(
    30 * SECOND,
    HOUR,
    'How long calls may go on after their connection ended by its age or for being idle.',
  ),
} satisfies OptionTree;

const tlsMode = (standard: 'permissive' | 'disabled') =>
  choice(
    ['permissive', 'enforcing', 'disabled'],
    standard,
    'What clients may use on the port: plaintext and TLS, TLS only, or plaintext only. The transport grpc-js cannot tell the two apart: permissive is plaintext there.',
  );

export const tls = {
  mode: tlsMode('permissive'),
  certificate: option(
    'text',
    '',
    "A PEM file with the server's certificate and its chain, read again when it changes. Empty: one for development is made at each start.",
    { argument: 'FILE' },
  ),
  key: option('text', '', "A PEM file with the certificate's private key.", { argument: 'FILE' }),
  clientCa: option(
    'text',
    '',
    `A PEM file with the certificates of which one must have signed those of clients, read again when it changes; who shows none such is refused. Needs tls.mode enforcing. Empty: clients need none. ${OWN}`,
    { argument: 'FILE' },
  ),
} satisfies OptionTree;

/** For brokers and name servers, whose clients are other parts of the cluster. */
export const innerTls = { ...tls, mode: tlsMode('disabled') } satisfies OptionTree;
