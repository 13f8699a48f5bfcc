/**
 * Request headers, RPCs that are not served, and where an error stands (sections 2.1, 2.5, 3.15 and 3.17 of the
 * API's reference; of section 8 the cases of GrpcMessagingApplication), over a real connection. Bounds on calls:
 * test/unit/proxy/request-context.test.ts and send.test.ts.
 */
import { Client, credentials, Metadata, status as GrpcStatus } from '@grpc/grpc-js';
import { Code } from '../../../src/message/status';
import { type ApiServer, startApiServer } from '../../support/api-server';
import { message, type Sent, type UnaryName } from '../../support/public-client';

let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({ 'receive.minPolling': '200ms', 'receive.maxPolling': '200ms' });
});
afterAll(() => server.stop());

const names = { topic: { name: 'normal' }, group: { name: 'g' } };
/** A request of each RPC that is in order, as far as that can be. */
const requests: { readonly [N in UnaryName]: Sent<N> } = {
  QueryRoute: names,
  QueryAssignment: names,
  SendMessage: { messages: [message('normal', 'm')] },
  AckMessage: { ...names, entries: [{ receipt_handle: 'x' }] },
  ChangeInvisibleDuration: { ...names, receipt_handle: 'x' },
  ForwardMessageToDeadLetterQueue: { ...names, receipt_handle: 'x' },
  Heartbeat: { group: names.group },
  NotifyClientTermination: { group: names.group },
  EndTransaction: { topic: { name: 'transaction' }, transaction_id: 'm', resolution: 1 },
  RecallMessage: { topic: { name: 'delay' }, recall_handle: 'x' },
  SyncLiteSubscription: { topic: { name: 'lite' }, group: names.group },
  UpdateOffset: { group: names.group },
  GetOffset: { group: names.group },
  QueryOffset: {},
};
const rpcs = Object.keys(requests) as UnaryName[];

describe('x-mq-client-id', () => {
  it.each(rpcs)('is needed by %s', async (name) => {
    // One of blanks is no HTTP/2 field: the stream is reset before anybody sees it.
    for (const id of [undefined, '']) {
      const headers = { 'x-mq-client-id': id };
      const answer = await server.client.status(name, requests[name], { headers });
      expect(answer.code).toBe(Code.CLIENT_ID_REQUIRED);
      expect(answer.message).toContain('client id cannot be empty');
    }
  });
});

describe('other headers', () => {
  it.each([
    ['x-mq-language', 'KLINGON'],
    ['x-mq-language', undefined],
    ['x-mq-client-version', undefined],
    ['x-mq-client-version', 'no version'],
    ['x-mq-protocol', undefined],
    ['x-mq-date-time', 'yesterday'],
    ['x-mq-date-time', '20260101T000000Z'],
    ['x-mq-namespace', 'ns'],
    ['x-mq-session-token', 'token'],
    ['x-mq-request-id', 'request'],
    ['authorization', 'MQv2-HMAC-SHA1 Credential=, SignedHeaders=x-mq-date-time, Signature=00'],
    ['authorization', 'none of ours'],
  ])('%s: %s is no reason to refuse', async (name, value) => {
    const options = { headers: { [name]: value } };
    const sent = await server.client.status('SendMessage', requests.SendMessage, options);
    expect(sent.code).toBe(Code.OK);
    const { status } = await server.receive('g', 'normal', {}, options);
    expect([Code.OK, Code.MESSAGE_NOT_FOUND]).toContain(status.code);
  });
});

describe('an error', () => {
  it.each(rpcs)('of %s is a status with a text, and gRPC says OK', async (name) => {
    const status = await server.client.status(name, {});
    expect(status.code).toBeGreaterThanOrEqual(40000);
    expect(status.message).not.toBe('');
  });
});

describe('what is not served', () => {
  it.each([
    '/apache.rocketmq.v2.Admin/NoSuchCall',
    '/apache.rocketmq.v2.MessagingService/NoSuchCall',
    '/no.such.Service/Call',
  ])('%s is UNIMPLEMENTED to gRPC', async (path) => {
    const client = new Client(server.client.endpoint, credentials.createInsecure());
    const bytes = (value: Buffer): Buffer => value;
    const error = await new Promise((resolve) => {
      client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), new Metadata(), resolve);
    });
    client.close();
    expect(error).toMatchObject({ code: GrpcStatus.UNIMPLEMENTED });
  });
});
