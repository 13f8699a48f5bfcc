import { TOPIC_TYPES, type GroupConfig } from '../../../../src/api/topic';
import { brokerMethods } from '../../../../src/link/broker-methods';
import { codeFromWire, statusFromWire, statusToWire } from '../../../../src/link/codec/status';
import { topicFromWire } from '../../../../src/link/codec/topic';
import { codeAndText } from '../../../../src/link/services';
import type { CodeAndText__Output } from '../../../../src/rpc/generated/gantry/v1/CodeAndText';
import { Code, StatusError } from '../../../../src/message/status';
import type { BrokerApi, SendRequest } from '../../../../src/api/broker-api';
import type { BrokerMethod } from '../../../../src/link/broker-method';
import { filterFault, groupConfig } from '../../../support/model-broker';
import { messageDraft, popRequest } from '../../../support/test-broker';

const never = new AbortController().signal;

/** What the broker is called with when `request` travels, and what the caller gets when it answers `answer`. */
async function travel<Q, A>(
  name: keyof BrokerApi,
  method: BrokerMethod<Q, A>,
  request: Q,
  answer: A,
): Promise<{ called: unknown; got: A }> {
  let called: unknown;
  const api = {
    [name]: async (argument: unknown) => {
      called = argument;
      return answer;
    },
  } as unknown as BrokerApi;
  const { payload } = await method.serve(api, method.encodeRequest(request), never);
  return { called, got: method.decodeAnswer(payload) };
}

describe('calls on the wire', () => {
  const methods = brokerMethods();

  it.each(TOPIC_TYPES)('carry a topic of type %s', async (type) => {
    const generations = [
      [{ brokerName: 'broker-a', queues: 3 }],
      [
        { brokerName: 'broker-a', queues: 3 },
        { brokerName: 'broker-b', queues: 1024 },
      ],
    ];
    const topic = { name: 'a|%b', type, queues: 1024, generations, settled: 2, liteIdleMs: 0 };
    const request = { topic, groups: ['g', 'h'] };
    const put = await travel('putTopic', methods.putTopic, request, undefined);
    expect(put).toEqual({ called: topic, got: undefined });
    const list = await travel('listTopics', methods.listTopics, undefined, [topic, topic]);
    expect(list.got).toEqual([topic, topic]);
  });

  it.each<[string, GroupConfig]>([
    ['customized backoff', groupConfig('g')],
    ['no delays at all', groupConfig('g', { backoff: { kind: 'customized', nextMs: [] } })],
    [
      'exponential backoff',
      groupConfig('g', {
        fifo: true,
        startFrom: 'beginning',
        liteTopic: 'parent',
        liteQuota: 100_000,
        backoff: { kind: 'exponential', initialMs: 1, maxMs: 2 ** 40, multiplier: 1.25 },
      }),
    ],
  ])('carry a group with %s', async (_, group) => {
    expect((await travel('putGroup', methods.putGroup, group, undefined)).called).toEqual(group);
    expect((await travel('listGroups', methods.listGroups, undefined, [group])).got).toEqual([
      group,
    ]);
  });

  it('carry what filters could not evaluate', async () => {
    const faults = [filterFault, { ...filterFault, group: 'g2', lastOffset: 2 ** 50 }];
    expect((await travel('filterFaults', methods.filterFaults, undefined, faults)).got).toEqual(
      faults,
    );
  });

  it('carry a receive with all that it says', async () => {
    const request = popRequest('g', 't', {
      attemptId: 'attempt',
      filter: { type: 'SQL', expression: 'a > 3' },
      invisibleMs: 12 * 3_600_000,
      pollMs: 20_000,
      autoRenew: true,
    });
    const messages = [
      { record: Buffer.from([1, 2, 3]), receiptHandle: 'a~1', attempt: 3, invisibleMs: 2 ** 40 },
      { record: Buffer.alloc(0), receiptHandle: '', attempt: 1, invisibleMs: 0 },
    ];
    const { called, got } = await travel('pop', methods.pop, request, messages);
    expect(called).toEqual(request);
    expect(got).toEqual(messages);
  });

  it('carry what is done with messages', async () => {
    const entries = [
      { receiptHandle: 'a~1', messageId: 'm1' },
      { receiptHandle: 'a~2', messageId: '' },
    ];
    const request = { group: 'g', topic: 't', entries };
    const statuses = [
      { code: Code.OK, message: 'OK' },
      { code: Code.INVALID_RECEIPT_HANDLE, message: 'gone' },
    ];
    expect(await travel('ack', methods.ack, request, statuses)).toEqual({
      called: request,
      got: statuses,
    });
    expect((await travel('release', methods.release, request, undefined)).called).toEqual(request);
    const change = {
      group: 'g',
      topic: 't',
      receiptHandle: 'a~1',
      messageId: 'm1',
      invisibleMs: 5,
      suspend: true,
    };
    expect(await travel('changeInvisible', methods.changeInvisible, change, 'a~9')).toEqual({
      called: change,
      got: 'a~9',
    });
  });

  it('carry a subscription', async () => {
    const request = {
      group: 'g',
      clientId: 'c',
      subscriptions: [
        { topic: 't1', filter: { type: 'TAG' as const, expression: 'a || b' } },
        { topic: 't2', filter: { type: 'SQL' as const, expression: 'x IS NULL' } },
      ],
      fifoIfNew: true,
    };
    const group = groupConfig('g');
    expect(await travel('subscribe', methods.subscribe, request, group)).toEqual({
      called: request,
      got: group,
    });
  });

  it('carry a record as it will be stored, and offsets up to 2^53 - 1', async () => {
    const draft = messageDraft('t', 'm1', 'tag');
    const result = { queueOffset: Number.MAX_SAFE_INTEGER, physicalOffset: 2 ** 52 + 1 };
    const { called, got } = await travel('send', methods.send, { queueId: 1023, draft }, result);
    expect(got).toEqual(result);
    const arrived = called as SendRequest;
    expect(arrived).toMatchObject({ queueId: 1023 });
    expect(arrived.draft).toMatchObject({ topic: 't', tagsCode: draft.tagsCode });
    const [before, after] = [draft, arrived.draft].map((each) => {
      const bytes = Buffer.alloc(each.byteLength);
      each.writeTo(bytes, 0);
      return bytes;
    });
    expect(after).toEqual(before);
  });

  it('carry how far a group of consumers is', async () => {
    const request = { group: 'g', topic: 't', generation: 3, pollMs: 20_000 };
    const progress = { finished: 2, since: 1 };
    const asked = await travel('groupProgress', methods.groupProgress, request, progress);
    expect(asked).toEqual({ called: request, got: progress });
  });

  it.each([undefined, 0, 1, 64])('carry a message chosen in generation %p', async (generation) => {
    const draft = messageDraft('t', 'id');
    const request = { queueId: 0, draft, ...(generation === undefined ? {} : { generation }) };
    const { called } = await travel('send', methods.send, request, {
      queueOffset: 0,
      physicalOffset: 0,
    });
    expect((called as SendRequest).generation).toBe(generation);
  });

  it('refuse a send without a whole record', async () => {
    const cut = methods.send.serve({} as BrokerApi, Buffer.alloc(0), never);
    await expect(cut).rejects.toThrow('record is cut off');
  });

  it('refuse a topic of a type that is not known', () => {
    expect(() =>
      topicFromWire({ name: 't', type: 0, queues: 1, generations: [], settled: 0, gone: [] }),
    ).toThrow('unknown type 0');
    expect(() => topicFromWire(null)).toThrow('message without topic');
  });

  it('carry every code, and take one that is not known for an internal error', () => {
    for (const code of Object.values(Code)) {
      const error = statusFromWire(toOutput(new StatusError(code, 'why')));
      expect(error).toMatchObject({ code, message: 'why' });
    }
    expect(codeFromWire(12345)).toBe(Code.INTERNAL_SERVER_ERROR);
  });
});

/** As it is when it has travelled. */
function toOutput(error: StatusError): CodeAndText__Output {
  return codeAndText.decode(codeAndText.encode(statusToWire(error)));
}
