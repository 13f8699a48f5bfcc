'use strict';

/**
 * The messaging service on one of the transports, its handlers answering at once with the same bytes every time: what a
 * call costs beside the broker's work. `node server.cjs DIST KIND`; tells its parent the port.
 */
const { join } = require('node:path');
const { nodeHttp2Server } = require('./node-http2-server.cjs');

const [, , dist, kind] = process.argv;
const load = (name) => require(join(dist, name));
const { nodePlatform } = load('platform/node-platform.js');
const { grpcJsServer } = load('rpc/grpc-js-server.js');
const { http2RpcServer } = load('rpc/grpc/rpc-server.js');
const { loadService } = load('rpc/protos.js');
const { withHotCodecs } = load('proxy/codec/hot-codecs.js');
const { encodeDeliveries } = load('proxy/codec/receive-codec.js');
const { draftRecord } = load('message/record-draft.js');
const { placeRecord } = load('message/record.js');
const { hostOf } = load('message/host.js');

const BATCH = 32;
const platform = nodePlatform();
const loaded = loadService(
  'apache/rocketmq/v2/service.proto',
  'apache.rocketmq.v2.MessagingService',
);
const ownCodecs = kind !== 'grpc-js, proto-loader';
const definition = ownCodecs ? withHotCodecs(loaded) : loaded;
const OK = { code: 20000, message: 'OK' };
const asked = { resource_namespace: '', name: 'load' };
const delivery = storedDelivery();
const batch = new Array(BATCH).fill(delivery);

const handlers = {
  SendMessage: (call, callback) => {
    const entries = call.request.messages.map(({ system_properties: system }) => ({
      status: OK,
      message_id: system.message_id,
      offset: 1234567,
    }));
    callback(null, { status: OK, entries });
  },
  AckMessage: (call, callback) => {
    const entries = call.request.entries.map(({ message_id, receipt_handle }) => ({
      message_id,
      receipt_handle,
      status: OK,
    }));
    callback(null, { status: OK, entries });
  },
  ReceiveMessage: (call) => {
    call.write({ status: OK });
    const items = ownCodecs
      ? encodeDeliveries(batch, asked)
      : batch.map(() => ({ message: publicMessage() }));
    for (const item of items) call.write(item);
    call.write(
      ownCodecs
        ? { delivery_timestamp_ms: Date.now() }
        : { delivery_timestamp: { seconds: Math.floor(Date.now() / 1000), nanos: 0 } },
    );
    call.end();
  },
};

function storedDelivery() {
  const properties =
    'UNIQ_KEY\u000101A1B2C3D4E5F60102030405060708090A\u0002TAGS\u0001tag\u0002KEYS\u0001key\u0002' +
    '__BORNHOST\u0001load-host\u0002BORN_TIMESTAMP\u00011700000000000\u0002colour\u0001red\u0002';
  const draft = draftRecord({
    topic: 'load',
    body: Buffer.alloc(1024, 'x'),
    properties,
    tag: 'tag',
    bornTimestamp: 1_700_000_000_000,
  });
  const record = Buffer.alloc(draft.byteLength);
  draft.writeTo(record, 0);
  const place = { queueId: 3, queueOffset: 99, physicalOffset: 1_234_567, storeTimestamp: 1 };
  placeRecord(record, 0, { ...place, storeHost: hostOf('127.0.0.1', 10_911) });
  return { record, receiptHandle: 'h'.repeat(90), attempt: 1, invisibleMs: 30_000 };
}

/** What the loader's codec is given for the same message; the digest is made anew, as for every message. */
function publicMessage() {
  const body = Buffer.from(delivery.record.buffer, 0, 1024);
  const time = { seconds: 1_700_000_000, nanos: 0 };
  return {
    topic: asked,
    user_properties: { colour: 'red' },
    system_properties: {
      tag: 'tag',
      keys: ['key'],
      message_id: '01A1B2C3D4E5F60102030405060708090A',
      body_digest: {
        type: 2,
        checksum: require('node:crypto').hash('md5', body, 'hex').toUpperCase(),
      },
      body_encoding: 1,
      message_type: 1,
      born_timestamp: time,
      born_host: 'load-host',
      store_timestamp: time,
      store_host: '127.0.0.1:10911',
      receipt_handle: delivery.receiptHandle,
      queue_id: 3,
      queue_offset: 99,
      invisible_duration: { seconds: 30, nanos: 0 },
      delivery_attempt: 1,
    },
    body,
  };
}

function makeServer() {
  if (kind === 'http2, own codecs') return http2RpcServer(platform, []);
  if (kind === 'node:http2, own codecs') return nodeHttp2Server();
  return grpcJsServer(platform.timers, []);
}

const server = makeServer();
server.addService(definition, handlers);
server.listen('127.0.0.1', 0).then((port) => process.send(port));
process.on('disconnect', () => process.exit(0));
