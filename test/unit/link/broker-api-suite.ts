// long: the whole contract of one interface.
import type { BrokerApi, PopRequest, PopResult } from '../../../src/api/broker-api';
import type { DelayedMessages } from '../../../src/api/delayed-api';
import type { MessageSearch } from '../../../src/api/message-search';
import type { GroupConfig } from '../../../src/api/topic';
import { ANY_HOST, hostOf } from '../../../src/message/host';
import { offsetMessageId } from '../../../src/message/offset-message-id';
import { findProperty, propertyKey } from '../../../src/message/record-property';
import { Code } from '../../../src/message/status';
import { readRecord, recordProperties } from '../../../src/message/record';
import { draftRecord } from '../../../src/message/record-draft';
import { idsOf, messageDraft, popRequest } from '../../support/test-broker';
import { inspectCases } from './inspect-cases';
import { offsetCases } from './offset-cases';
import { transactionCases } from './transaction-cases';

/** A fresh broker with nothing in it, whatever stands between it and the test. */
export interface BrokerApiUnderTest {
  readonly api: BrokerApi;
  /** Lets the time pass until the promise has settled; throws after 10 s of it. */
  drive<T>(promise: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** What every BrokerApi does, in process or over a link: the contract of `src/api/broker-api.ts`. */
export function brokerApiSuite(name: string, open: () => Promise<BrokerApiUnderTest>): void {
  describe(`BrokerApi: ${name}`, () => {
    let under: BrokerApiUnderTest;
    let api: BrokerApi;

    beforeEach(async () => {
      under = await open();
      ({ api } = under);
      await under.drive(api.putTopic({ name: 't', type: 'NORMAL', queues: 2 }));
      await subscribe('g', 't');
    });

    afterEach(() => under.close());

    const subscribe = (group: string, ...topics: string[]): Promise<GroupConfig> =>
      under.drive(
        api.subscribe({
          group,
          clientId: 'client-1',
          subscriptions: topics.map((topic) => ({
            topic,
            filter: { type: 'TAG', expression: '*' },
          })),
          fifoIfNew: false,
        }),
      );
    const send = (id: string, tag = '', queueId = 0): ReturnType<BrokerApi['send']> =>
      under.drive(api.send({ queueId, draft: messageDraft('t', id, tag) }));
    const pop = (changes: Partial<PopRequest> = {}): Promise<PopResult> =>
      under.drive(api.pop(popRequest('g', 't', changes), new AbortController().signal));
    const ack = async (...handles: string[]): Promise<Code[]> => {
      const entries = handles.map((receiptHandle) => ({ receiptHandle, messageId: 'm' }));
      const statuses = await under.drive(api.ack({ group: 'g', topic: 't', entries }));
      return statuses.map(({ code }) => code);
    };
    const only = (result: PopResult): PopResult[number] => {
      const [message] = result;
      if (message === undefined || result.length !== 1)
        throw new Error(`${result.length} messages`);
      return message;
    };

    transactionCases(() => under);
    offsetCases(() => under);
    inspectCases(() => under);

    it('gives a message unchanged, once, and never again when it is acknowledged', async () => {
      const body = Buffer.from([0, 1, 2, 0xff, 0x7f]);
      const properties = 'UNIQ_KEY\u0001id-1\u0002TAGS\u0001tag\u0002mine\u0001ünïcödé\u0002';
      const draft = draftRecord({ topic: 't', body, properties, tag: 'tag', bornTimestamp: 42 });
      const sent = await under.drive(api.send({ queueId: 1, draft }));
      expect(sent.queueOffset).toBe(0);
      const message = only(await pop());
      expect(message).toMatchObject({ attempt: 1, invisibleMs: 10_000 });
      const record = readRecord(message.record, 0);
      expect(record).toMatchObject({ topic: 't', queueId: 1, queueOffset: 0, bornTimestamp: 42 });
      expect(record.body.equals(body)).toBe(true);
      expect([...recordProperties(record)]).toEqual([
        ['UNIQ_KEY', 'id-1'],
        ['TAGS', 'tag'],
        ['mine', 'ünïcödé'],
      ]);
      expect(await pop()).toEqual([]);
      expect(await ack(message.receiptHandle)).toEqual([Code.OK]);
      expect(await pop({ pollMs: 300 })).toEqual([]);
    });

    it('keeps a delayed message until its time, unless it is recalled', async () => {
      const sendLater = async (id: string, deliverMs: number): Promise<boolean | undefined> => {
        const draft = messageDraft('t', id, '', { TIMER_DELIVER_MS: String(deliverMs) });
        return (await under.drive(api.send({ queueId: 0, draft }))).delayed;
      };
      const recall = (messageId: string, deliverMs: number): Promise<void> =>
        under.drive(api.recall({ topic: 't', messageId, deliverMs }));
      expect(await sendLater('past', 1)).toBeUndefined();
      // Ahead of the simulated clock and of the true one.
      const deliverMs = 5_000_000_000_000;
      expect(await sendLater('later', deliverMs)).toBe(true);
      expect(idsOf(await pop())).toEqual(['past']);
      const list = (messageId: string): Promise<DelayedMessages> =>
        under.drive(api.listDelayed({ topic: 't', messageId, maxMessages: 10 }));
      const waiting = { topic: 't', messageId: 'later', dueMs: deliverMs };
      expect(await list('')).toMatchObject({ messages: [waiting], total: 1 });
      expect(await list('later')).toMatchObject({ messages: [waiting], counts: [{ messages: 1 }] });
      expect(await list('past')).toMatchObject({ messages: [] });
      await recall('later', deliverMs);
      expect(await list('')).toEqual({ messages: [], counts: [], total: 0 });
      await recall('later', deliverMs);
      await expect(recall('other', deliverMs)).rejects.toMatchObject({
        code: Code.MESSAGE_NOT_FOUND,
      });
    });

    it('gives messages of one queue in their order, with offsets one apart', async () => {
      const ids = Array.from({ length: 40 }, (_, i) => `m${i}`);
      const sent = await Promise.all(ids.map((id) => send(id)));
      expect(sent.map(({ queueOffset }) => queueOffset)).toEqual(ids.map((_, i) => i));
      expect(idsOf(await pop())).toEqual(ids.slice(0, 32));
      expect(idsOf(await pop())).toEqual(ids.slice(32));
    });

    it('moves a body of 3.9 MiB, and many large messages in one receive', async () => {
      const body = Buffer.alloc(Math.floor(3.9 * 1024 * 1024), 5);
      const large = draftRecord({ topic: 't', body, properties: '', tag: '', bornTimestamp: 1 });
      await under.drive(api.send({ queueId: 0, draft: large }));
      const message = only(await pop());
      expect(readRecord(message.record, 0).body.equals(body)).toBe(true);
      const half = draftRecord({
        topic: 't',
        body: body.subarray(0, 400_000),
        properties: '',
        tag: '',
        bornTimestamp: 1,
      });
      for (let i = 0; i < 10; i++) await under.drive(api.send({ queueId: 0, draft: half }));
      const many = await pop();
      expect(many.map(({ record }) => readRecord(record, 0).body.length)).toEqual(
        Array.from({ length: 10 }, () => 400_000),
      );
    });

    it('gives only messages whose tag is asked for', async () => {
      await send('a1', 'a');
      await send('b1', 'b');
      await send('none');
      await send('c1', 'c');
      const filter = { type: 'TAG' as const, expression: 'a || c' };
      expect(idsOf(await pop({ filter }))).toEqual(['a1', 'c1']);
    });

    it('waits for a first message, and gives it when it comes', async () => {
      const waiting = api.pop(
        popRequest('g', 't', { pollMs: 5_000 }),
        new AbortController().signal,
      );
      await send('m1');
      expect(idsOf(await under.drive(waiting))).toEqual(['m1']);
    });

    it('ends an empty wait empty', async () => {
      expect(await pop({ pollMs: 200 })).toEqual([]);
    });

    it('ends the wait of a caller who goes, and takes nothing for it', async () => {
      const abort = new AbortController();
      const waiting = api.pop(popRequest('g', 't', { pollMs: 5_000 }), abort.signal);
      await under.drive(api.listTopics());
      abort.abort();
      expect(await under.drive(waiting)).toEqual([]);
      await send('m1');
      expect(idsOf(await pop())).toEqual(['m1']);
    });

    it('takes nothing for a caller who has gone before', async () => {
      await send('m1');
      const gone = AbortSignal.abort();
      expect(await under.drive(api.pop(popRequest('g', 't', { pollMs: 1_000 }), gone))).toEqual([]);
      expect(only(await pop({ pollMs: 3_000 })).attempt).toBe(1);
    });

    it('gives a message again after its invisible time, an attempt later, and voids the old handle', async () => {
      await send('m1');
      const first = only(await pop({ invisibleMs: 300 }));
      const second = only(await pop({ pollMs: 5_000 }));
      expect(second.attempt).toBe(2);
      expect(await ack(first.receiptHandle, second.receiptHandle, 'a~none', 'no handle')).toEqual([
        Code.INVALID_RECEIPT_HANDLE,
        Code.OK,
        Code.INVALID_RECEIPT_HANDLE,
        Code.INVALID_RECEIPT_HANDLE,
      ]);
    });

    it('changes when a message comes again, and voids the old handle', async () => {
      await send('m1');
      const first = only(await pop({ invisibleMs: 60_000 }));
      const change = (receiptHandle: string, invisibleMs: number): Promise<string> =>
        under.drive(
          api.changeInvisible({
            group: 'g',
            topic: 't',
            receiptHandle,
            messageId: 'm1',
            invisibleMs,
            suspend: false,
          }),
        );
      const handle = await change(first.receiptHandle, 300);
      expect(handle).not.toBe(first.receiptHandle);
      await expect(change(first.receiptHandle, 300)).rejects.toMatchObject({
        code: Code.INVALID_RECEIPT_HANDLE,
      });
      expect(only(await pop({ pollMs: 5_000 })).attempt).toBe(2);
    });

    it('gives a released message again, without counting the attempt', async () => {
      await send('m1');
      const { receiptHandle } = only(await pop({ invisibleMs: 60_000 }));
      const entries = [{ receiptHandle, messageId: 'm1' }];
      await under.drive(api.release({ group: 'g', topic: 't', entries }));
      expect(only(await pop({ pollMs: 5_000 })).attempt).toBe(1);
    });

    it('ends the waits of a client that says goodbye, and gives its messages to others', async () => {
      await send('m1');
      only(await pop({ invisibleMs: 60_000 }));
      const waiting = api.pop(
        popRequest('g', 't', { pollMs: 5_000 }),
        new AbortController().signal,
      );
      await under.drive(api.listTopics());
      await under.drive(api.clientGone('client-1'));
      expect(idsOf(await under.drive(waiting))).toEqual([]);
      expect(idsOf(await pop({ clientId: 'client-2', pollMs: 5_000 }))).toEqual(['m1']);
    });

    it('makes a group with its first subscription, and tells it from then on', async () => {
      const made = await under.drive(
        api.subscribe({
          group: 'new',
          clientId: 'c',
          subscriptions: [{ topic: 'unknown', filter: { type: 'TAG', expression: 'x' } }],
          fifoIfNew: true,
        }),
      );
      expect(made).toMatchObject({ name: 'new', fifo: true, startFrom: 'end' });
      expect(await subscribe('new', 't')).toEqual(made);
    });

    it('keeps groups as they were put', async () => {
      const group: GroupConfig = {
        name: 'own',
        fifo: true,
        maxAttempts: 3,
        backoff: { kind: 'exponential', initialMs: 100, maxMs: 3_000, multiplier: 2.5 },
        startFrom: 'beginning',
      };
      await under.drive(api.putGroup(group));
      expect(await under.drive(api.listGroups())).toContainEqual(group);
      await under.drive(api.deleteGroup('own'));
      expect(await under.drive(api.listGroups())).not.toContainEqual(group);
      await expect(under.drive(api.deleteGroup('own'))).rejects.toMatchObject({
        code: Code.CONSUMER_GROUP_NOT_FOUND,
      });
    });

    it('finds stored messages by id, by the id of their place, by key and by time', async () => {
      const properties = 'UNIQ_KEY\u0001id-1\u0002KEYS\u0001k1 k2\u0002';
      const body = Buffer.from('body');
      const draft = draftRecord({ topic: 't', body, properties, tag: '', bornTimestamp: 1 });
      const { physicalOffset } = await under.drive(api.send({ queueId: 1, draft }));
      await send('id-2');
      const find = async (changes: Partial<MessageSearch>): Promise<(string | undefined)[]> => {
        const all = { topic: 't', maxMessages: 64, beginMs: 0, endMs: 2 ** 52 };
        const search = { by: 'id', key: '', ...all, ...changes } as const;
        const { messages, complete } = await under.drive(api.findMessages(search));
        expect(complete).toBe(true);
        return messages.map(({ record }) => findProperty(record, propertyKey('UNIQ_KEY')));
      };
      const place = offsetMessageId({ storeHost: ANY_HOST, physicalOffset });
      for (const topic of ['t', '']) {
        expect(await find({ topic, key: 'id-1' })).toEqual(['id-1']);
        expect(await find({ topic, key: place })).toEqual(['id-1']);
        expect(await find({ topic, key: 'id-3' })).toEqual([]);
      }
      const elsewhere = offsetMessageId({ storeHost: hostOf('10.0.0.1', 1), physicalOffset });
      expect(await find({ key: elsewhere })).toEqual([]);
      expect(await find({ by: 'key', key: 'k2' })).toEqual(['id-1']);
      expect(await find({ by: 'key', key: 'id-1' })).toEqual([]);
      expect((await find({ by: 'time' })).toSorted()).toEqual(['id-1', 'id-2']);
      expect(await find({ by: 'time', beginMs: 2 ** 51 })).toEqual([]);
      expect(await find({ by: 'time', endMs: 1 })).toEqual([]);
      expect((await pop()).length).toBe(2);
    });

    it('refuses searches that name no topic, an unknown one, or too many messages', async () => {
      const search = (changes: Partial<MessageSearch>): Promise<unknown> => {
        const all = { topic: 't', key: 'k', maxMessages: 1, beginMs: 0, endMs: 1 };
        return under.drive(api.findMessages({ by: 'key', ...all, ...changes }));
      };
      await expect(search({ topic: '' })).rejects.toMatchObject({ code: Code.BAD_REQUEST });
      await expect(search({ topic: 'none' })).rejects.toMatchObject({ code: Code.TOPIC_NOT_FOUND });
      await expect(search({ maxMessages: 65 })).rejects.toMatchObject({
        code: Code.BAD_REQUEST,
        message: 'maxMessages is 65, the limit is 1 to 64',
      });
    });

    it('keeps topics as they were put', async () => {
      const topic = { name: 'fifo', type: 'FIFO', queues: 5 } as const;
      await under.drive(api.putTopic(topic));
      expect(await under.drive(api.listTopics())).toContainEqual(expect.objectContaining(topic));
      await under.drive(api.deleteTopic('fifo'));
      expect(await under.drive(api.listTopics())).not.toContainEqual(
        expect.objectContaining(topic),
      );
    });

    it('begins groups that are on a new topic elsewhere at its beginning', async () => {
      const topic = { name: 'more', type: 'NORMAL', queues: 1 } as const;
      const isNew = { name: 'new', fifo: false, maxAttempts: 16, startFrom: 'end' } as const;
      const backoff = { kind: 'customized', nextMs: [1000] } as const;
      await under.drive(api.putGroup({ ...isNew, backoff }));
      await under.drive(api.putTopic(topic, ['g', 'unknown']));
      await under.drive(api.send({ queueId: 0, draft: messageDraft('more', 'm1') }));
      const popOf = (group: string): Promise<PopResult> =>
        under.drive(api.pop(popRequest(group, 'more'), new AbortController().signal));
      expect(idsOf(await popOf('g'))).toEqual(['m1']);
      expect(idsOf(await popOf('new'))).toEqual([]);
      // One that has begun stays where it is.
      await under.drive(api.putTopic(topic, ['g', 'new']));
      expect(idsOf(await popOf('new'))).toEqual([]);
    });

    it('says TOPIC_NOT_FOUND for a topic that it does not have', async () => {
      const code = Code.TOPIC_NOT_FOUND;
      const draft = messageDraft('none', 'm');
      await expect(under.drive(api.send({ queueId: 0, draft }))).rejects.toMatchObject({ code });
      await expect(pop({ topic: 'none' })).rejects.toMatchObject({ code });
      await expect(under.drive(api.deleteTopic('none'))).rejects.toMatchObject({ code });
    });

    it('says BAD_REQUEST for a queue that the topic does not have', async () => {
      await expect(send('m', '', 2)).rejects.toMatchObject({
        name: 'StatusError',
        code: Code.BAD_REQUEST,
        message: expect.stringContaining('0 .. 1') as string,
      });
    });
  });
}
