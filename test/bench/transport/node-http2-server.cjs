'use strict';

/**
 * The thinnest gRPC server on `node:http2`: unary and server-streaming calls, a message a request, no deadlines, no
 * compression, no limits. What Node's own HTTP/2 costs; it serves nobody.
 */
const http2 = require('node:http2');

const HEADERS = { ':status': 200, 'content-type': 'application/grpc+proto' };
const OK = { 'grpc-status': '0' };
const PREFIX_BYTES = 5;

/** Answers what `RpcServer` of src/rpc does, as far as the benchmark asks. */
function nodeHttp2Server() {
  const methods = new Map();
  const server = http2.createServer({ settings: { initialWindowSize: 4 * 1024 * 1024 } });
  server.on('stream', (stream, headers) => serve(stream, methods.get(headers[':path'])));
  return {
    addService(definition, handlers) {
      for (const [name, method] of Object.entries(definition)) {
        methods.set(method.path, { ...method, handle: handlers[name] });
      }
    },
    listen: (host, port) =>
      new Promise((resolve) => server.listen(port, host, () => resolve(server.address().port))),
  };
}

function serve(stream, method) {
  const chunks = [];
  stream.on('data', (chunk) => chunks.push(chunk));
  stream.on('error', () => undefined);
  stream.on('end', () => {
    stream.respond(HEADERS, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(OK));
    const request = method.requestDeserialize(Buffer.concat(chunks).subarray(PREFIX_BYTES));
    const framed = (answer) => frame(method.responseSerialize(answer));
    if (method.responseStream) {
      const parts = [];
      method.handle({
        request,
        write: (answer) => parts.push(framed(answer)),
        end: () => stream.end(Buffer.concat(parts)),
      });
    } else method.handle({ request }, (error, answer) => stream.end(framed(answer)));
  });
}

function frame(message) {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  message.copy(bytes, PREFIX_BYTES);
  return bytes;
}

module.exports = { nodeHttp2Server };
