'use strict';

/**
 * An echo service on the built transport, for attacks: `node server.js DIST`. It tells its parent its port, and
 * answers each message of the parent's with its resident memory after a collection, bytes. Needs `--expose-gc`.
 */
const { join } = require('node:path');

const dist = process.argv[2];
const { nodePlatform } = require(join(dist, 'platform', 'node-platform.js'));
const { GrpcServer } = require(join(dist, 'rpc', 'grpc', 'grpc-server.js'));
const { developmentCertificate } = require(join(dist, 'rpc', 'tls', 'development-certificate.js'));

const bytes = (value) => value;
const method = (name, requestStream, responseStream) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});

const platform = nodePlatform();
const server = new GrpcServer(platform);
server.setIdentity(developmentCertificate([], platform.clock, platform.random));
server.addService(
  {
    Unary: method('Unary', false, false),
    Sink: method('Sink', false, false),
    Spread: method('Spread', false, true),
  },
  {
    Unary: (call, callback) => callback(null, call.request),
    Sink: (_call, callback) => callback(null, Buffer.alloc(0)),
    // A megabyte, in pieces, for who reads.
    Spread: (call) => {
      let left = 16;
      const more = () => {
        while (left-- > 0 && call.write(Buffer.alloc(65_536)));
        if (left < 0) call.end();
      };
      call.on('drain', more);
      more();
    },
  },
);

process.on('message', () => {
  // What was let go of does not count: twice, as finalizers free what the first one found.
  globalThis.gc();
  globalThis.gc();
  process.send({ rss: process.memoryUsage.rss() });
});
process.on('disconnect', () => process.exit(0));
void server.listen('127.0.0.1', 0).then((port) => process.send({ port }));
