import { formatRecallHandle } from '../../../src/api/recall-handle';
import { DEFAULT_MESSAGE_LIMITS } from '../../../src/message/message-checks';
import { Code, StatusError } from '../../../src/message/status';
import { ModelCluster } from '../../support/model-cluster';
import { message, PublicClient } from '../../support/public-client';

/** The model's clock stands there. */
const NOW_S = 1_700_000_000;
const later = { delivery_timestamp: { seconds: NOW_S + 100, nanos: 5_000_000 } };

function scene(type = 'DELAY'): { cluster: ModelCluster; client: PublicClient } {
  const cluster = new ModelCluster();
  cluster.topic('t', type as 'DELAY');
  return { cluster, client: new PublicClient(cluster) };
}

const topic = { name: 't' };
const handle = {
  ...{ topic: 't', brokerName: 'broker-a', messageId: 'm' },
  deliverMs: NOW_S * 1000 + 100_005,
};

describe('SendMessage of a delayed message', () => {
  it('answers a handle that RecallMessage takes, with the message id', async () => {
    const { cluster, client } = scene();
    const sent = await client.unary('SendMessage', { messages: [message('t', 'm', later)] });
    expect(sent.status?.code).toBe(Code.OK);
    const recallHandle = sent.entries[0]?.recall_handle ?? '';
    expect(recallHandle).toBe(formatRecallHandle(handle));
    const request = { topic, recall_handle: recallHandle };
    const answer = await client.unary('RecallMessage', request);
    expect(answer).toMatchObject({ status: { code: Code.OK }, message_id: 'm' });
    const { messageId, deliverMs } = handle;
    expect(cluster.broker().recalled).toEqual([{ topic: 't', messageId, deliverMs }]);
  });

  it('with a time in the past answers none', async () => {
    const past = message('t', 'm', { delivery_timestamp: { seconds: 1 } });
    const sent = await scene().client.unary('SendMessage', { messages: [past] });
    expect(sent.status?.code).toBe(Code.OK);
    expect(sent.entries[0]?.recall_handle).toBe('');
  });

  it.each(['DELAY', 'MIXED'])(
    'goes to a topic of type %s, with a message group too',
    async (type) => {
      const { client } = scene(type);
      const grouped = message('t', 'm', { ...later, message_group: 'g' });
      const sent = await client.unary('SendMessage', { messages: [grouped] });
      expect(sent.status?.code).toBe(Code.OK);
      expect(sent.entries[0]?.recall_handle).not.toBe('');
    },
  );

  it('is taken up to the limit that is set, and refused beyond it', async () => {
    const limitMs = 40 * 86_400_000;
    const cluster = new ModelCluster({
      message: { ...DEFAULT_MESSAGE_LIMITS, maxDelayMs: limitMs },
    });
    cluster.topic('t', 'DELAY');
    const client = new PublicClient(cluster);
    const at = (ms: number): ReturnType<typeof message> => {
      const dueMs = cluster.sim.clock.wallMs() + ms;
      const delivery_timestamp = {
        seconds: Math.floor(dueMs / 1000),
        nanos: (dueMs % 1000) * 1_000_000,
      };
      return message('t', 'm', { delivery_timestamp });
    };
    const taken = await client.status('SendMessage', { messages: [at(limitMs)] });
    expect(taken.code).toBe(Code.OK);
    const refused = await client.status('SendMessage', { messages: [at(limitMs + 1)] });
    expect(refused).toMatchObject({
      code: Code.ILLEGAL_DELIVERY_TIME,
      message: `delivery_timestamp is ${limitMs + 1} ms from now, the maximum is ${limitMs}`,
    });
  });

  it('is refused as a transaction', async () => {
    const { client } = scene('MIXED');
    const half = message('t', 'm', { ...later, message_type: 4 });
    const status = await client.status('SendMessage', { messages: [half] });
    expect(status.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE);
    expect(status.message).toContain('delivery_timestamp');
  });

  it.each(['NORMAL', 'FIFO', 'TRANSACTION', 'PRIORITY', 'LITE'])(
    'is refused by a topic of type %s',
    async (type) => {
      const { client } = scene(type);
      const status = await client.status('SendMessage', { messages: [message('t', 'm', later)] });
      expect(status.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE);
    },
  );
});

describe('RecallMessage is refused', () => {
  it('where it is switched off', async () => {
    const cluster = new ModelCluster({ recall: false });
    cluster.topic('t', 'DELAY');
    const request = { topic, recall_handle: formatRecallHandle(handle) };
    const status = await new PublicClient(cluster).status('RecallMessage', request);
    expect(status.code).toBe(Code.FORBIDDEN);
    expect(status.message).toContain('delay.recall');
    expect(cluster.broker().recalled).toEqual([]);
  });

  it.each([
    ['without a handle', {}],
    ['with a handle that is none', { recall_handle: 'abc' }],
    [
      'with a handle of another topic',
      { recall_handle: formatRecallHandle({ ...handle, topic: 'u' }) },
    ],
  ])('%s', async (_, request) => {
    const status = await scene().client.status('RecallMessage', { topic, ...request });
    expect(status.code).toBe(Code.BAD_REQUEST);
    expect(status.message).toContain('recall_handle');
  });

  it('for a topic of another type, an unknown topic and a broken name', async () => {
    const recallHandle = formatRecallHandle(handle);
    const request = { topic, recall_handle: recallHandle };
    const normal = await scene('NORMAL').client.status('RecallMessage', request);
    expect(normal.code).toBe(Code.MESSAGE_PROPERTY_CONFLICT_WITH_TYPE);
    const client = new PublicClient(new ModelCluster());
    const missing = await client.status('RecallMessage', request);
    expect(missing.code).toBe(Code.TOPIC_NOT_FOUND);
    const broken = await client.status('RecallMessage', { recall_handle: recallHandle });
    expect(broken.code).toBe(Code.ILLEGAL_TOPIC);
  });

  it("with the broker's own answer, and when that broker is not known", async () => {
    const { cluster, client } = scene();
    const request = { topic, recall_handle: formatRecallHandle(handle) };
    cluster.broker().failure = new StatusError(Code.MESSAGE_NOT_FOUND, 'was delivered');
    const status = await client.status('RecallMessage', request);
    expect(status).toMatchObject({ code: Code.MESSAGE_NOT_FOUND, message: 'was delivered' });
    const elsewhere = formatRecallHandle({ ...handle, brokerName: 'broker-z' });
    const gone = await client.status('RecallMessage', { topic, recall_handle: elsewhere });
    expect(gone.code).toBe(Code.PROXY_TIMEOUT);
    expect(gone.message).toContain('broker-z');
  });
});
