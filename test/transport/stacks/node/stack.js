'use strict';

/**
 * What a client on grpc-js sees of the server: one line a scenario, `ok NAME` or `failed NAME: why`.
 *
 *     node stack.js CALLS_ADDRESS AGING_ADDRESS [CERTIFICATE]
 */
const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { setTimeout: pause } = require('node:timers/promises');
const grpc = require('@grpc/grpc-js');

const [, , callsAddress, agingAddress, certificate] = process.argv;

const bytes = (value) => value;

class Client {
  constructor(address, options = {}) {
    const trusted =
      certificate === undefined
        ? grpc.credentials.createInsecure()
        : grpc.credentials.createSsl(readFileSync(certificate));
    this.grpc = new grpc.Client(address, trusted, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': 16 << 20,
      ...(certificate === undefined ? {} : { 'grpc.ssl_target_name_override': 'localhost' }),
      ...options,
    });
  }

  /** Calls `kind` of grpc-js's methods; `rest` ends with the callback of those that have one. */
  call(kind, method, ...rest) {
    return this.grpc[kind](`/test.Stacks/${method}`, bytes, bytes, ...rest);
  }

  /** Options: `timeoutMs`, `metadata`, `watch` (is given the call). */
  unary(method, request = Buffer.alloc(0), options = {}) {
    const metadata = options.metadata ?? new grpc.Metadata();
    metadata.setOptions({ waitForReady: true });
    return new Promise((resolve, reject) => {
      const done = (error, answer) => (error === null ? resolve(answer) : reject(error));
      const call = this.call('makeUnaryRequest', method, request, metadata, soon(options), done);
      options.watch?.(call);
    });
  }

  async count(method) {
    return Number(await this.unary(method));
  }

  /** Waits for a count of the server's to reach what is wanted. */
  async until(method, wanted) {
    for (let attempt = 0; attempt < 200; attempt++) {
      if ((await this.count(method)) >= wanted) return;
      await pause(20);
    }
    throw new Error(`${method} stays below ${wanted}`);
  }
}

const soon = ({ timeoutMs = 20_000 } = {}) => ({ deadline: Date.now() + timeoutMs });

async function wantCode(promise, code) {
  const error = await promise.then(
    () => ({ code: grpc.status.OK }),
    (failed) => failed,
  );
  assert.equal(error.code, code, error.details);
  return error;
}

/** The same `size` bytes again and again, that no compression makes smaller. */
function content(size) {
  return createHash('shake256', { outputLength: Math.max(size, 1) })
    .update('7')
    .digest()
    .subarray(0, size);
}

/** All that a stream of answers brings; throws its status. */
async function all(stream) {
  const answers = [];
  for await (const answer of stream) answers.push(answer);
  return answers;
}

async function unary(client) {
  for (let size = 0; size < 100; size++) {
    assert.deepEqual(await client.unary('Unary', content(size)), content(size));
  }
}

async function metadata(client) {
  const sent = new grpc.Metadata();
  sent.add('x-text', 'plain');
  sent.add('x-bytes-bin', Buffer.of(0, 0xff, 1));
  const heard = {};
  const watch = (call) => {
    call.on('metadata', (head) => (heard.head = head));
    heard.status = new Promise((resolve) => call.on('status', resolve));
  };
  await client.unary('Unary', Buffer.of(1), { metadata: sent, watch });
  const { metadata: trailers } = await heard.status;
  assert.deepEqual(heard.head.get('x-text'), ['plain']);
  assert.deepEqual(trailers.get('x-bytes-bin'), [Buffer.of(0, 0xff, 1)]);
}

async function status(client) {
  const { details } = await wantCode(client.unary('Fail'), grpc.status.FAILED_PRECONDITION);
  assert.equal(details, '100 % größer\n\t😈 ');
  await wantCode(client.unary('Missing'), grpc.status.UNIMPLEMENTED);
}

async function serverStreaming(client) {
  const request = content(4000);
  const answers = await all(
    client.call('makeServerStreamRequest', 'Spread', request, new grpc.Metadata(), soon()),
  );
  assert.equal(answers.length, 1000);
  assert(answers.every((answer) => answer.equals(request)));
}

async function clientStreaming(client) {
  const request = content(2000);
  const answer = await new Promise((resolve, reject) => {
    const done = (error, value) => (error === null ? resolve(value) : reject(error));
    const call = client.call('makeClientStreamRequest', 'Collect', soon(), done);
    for (let count = 0; count < 1000; count++) call.write(request);
    call.end();
  });
  assert(answer.equals(Buffer.concat(new Array(1000).fill(request))));
}

const open = (client, method) => client.call('makeBidiStreamRequest', method, soon());

async function chat(client, rounds) {
  const call = open(client, 'Chat');
  let count = 0;
  call.write(content(100));
  for await (const answer of call) {
    assert.deepEqual(answer, content(100 + count));
    if (++count < rounds) call.write(content(100 + count));
    else call.end();
  }
  assert.equal(count, rounds);
}

async function deadline(client) {
  const before = await client.count('Cancelled');
  const call = client.unary('Sleep', Buffer.alloc(0), { timeoutMs: 100 });
  await wantCode(call, grpc.status.DEADLINE_EXCEEDED);
  await client.until('Cancelled', before + 1);
}

async function cancel(client) {
  const before = await client.count('Cancelled');
  const call = open(client, 'Hold');
  call.write(content(10));
  const error = await new Promise((resolve) => {
    call.on('data', () => call.cancel());
    call.on('error', resolve);
  });
  assert.equal(error.code, grpc.status.CANCELLED);
  await client.until('Cancelled', before + 1);
}

async function largeMessage(client) {
  const request = content(4 << 20);
  assert(request.equals(await client.unary('Unary', request)));
  const tooLarge = client.unary('Unary', content((4 << 20) + 1));
  await wantCode(tooLarge, grpc.status.RESOURCE_EXHAUSTED);
}

async function gzip(client) {
  const packing = new Client(callsAddress, { 'grpc.default_compression_algorithm': 2 });
  const before = await client.count('Wire');
  const request = Buffer.alloc(3 << 20);
  assert(request.equals(await packing.unary('Unary', request)));
  const passed = (await client.count('Wire')) - before;
  packing.grpc.close();
  assert(passed < 200_000, `${passed} bytes went over the wire`);
}

async function parallelStreams(client) {
  const request = content(1000);
  const calls = Array.from({ length: 2000 }, () => client.unary('Unary', request));
  for (const answer of await Promise.all(calls)) assert.deepEqual(answer, request);
  await Promise.all(Array.from({ length: 500 }, () => chat(client, 5)));
}

async function reconnect(client) {
  for (let round = 0; round < 5; round++) {
    await wantCode(client.unary('Cut'), grpc.status.UNAVAILABLE);
    await client.unary('Unary', Buffer.from('again'));
  }
}

async function agedConnections() {
  const client = new Client(agingAddress);
  for (const end = Date.now() + 4000; Date.now() < end;) await client.unary('Unary', content(100));
  client.grpc.close();
}

/** The connection has to live through a ping every 20 ms, also without calls. */
async function frequentPings() {
  const client = new Client(callsAddress, {
    'grpc.keepalive_time_ms': 20,
    'grpc.keepalive_timeout_ms': 5000,
    'grpc.keepalive_permit_without_calls': 1,
  });
  const made = await client.count('Connections');
  const before = await client.count('Wire');
  await pause(5000);
  const passed = (await client.count('Wire')) - before;
  assert(passed > 100 * 2 * 17, `only ${passed} bytes of pings went over the wire`);
  assert.equal(await client.count('Connections'), made);
  client.grpc.close();
}

const scenarios = {
  unary,
  metadata,
  status,
  'server streaming': serverStreaming,
  'client streaming': clientStreaming,
  'bidirectional streaming': (client) => chat(client, 200),
  deadline,
  cancel,
  'large message': largeMessage,
  gzip,
  'many parallel streams': parallelStreams,
  reconnect,
  'connections that end by age': agedConnections,
  'frequent pings without calls': frequentPings,
};

async function main() {
  const client = new Client(callsAddress);
  for (const [name, run] of Object.entries(scenarios)) {
    const result = await run(client).then(
      () => `ok ${name}`,
      (error) => `failed ${name}: ${String(error).replaceAll('\n', ' ')}`,
    );
    console.log(result);
  }
  client.grpc.close();
}

void main();
