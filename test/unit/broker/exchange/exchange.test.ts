import { newGroup } from '../../../../src/api/topic';
import { Code } from '../../../../src/message/status';
import { draftRecord } from '../../../../src/message/record-draft';
import { META_TOPIC } from '../../../../src/message/names';
import { parseApacheJson, type JsonObject } from '../../../../src/broker/exchange/apache-json';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { idsOf } from '../../../support/test-broker';

const path = (name: string): string => `/broker/config/${name}`;

async function text(bench: BrokerBench, name: string): Promise<string> {
  const bytes = await bench.platform.files.readFile(path(name));
  return bytes?.toString('utf8') ?? '';
}

async function stop(bench: BrokerBench): Promise<void> {
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
}

async function put(bench: BrokerBench, name: string, content: string): Promise<void> {
  await bench.platform.files.makeDirectory('/broker/config');
  await bench.platform.files.writeFile(path(name), content);
}

/** The offsets of a group on a topic in consumerOffset.json. */
async function offsets(bench: BrokerBench, key: string): Promise<unknown> {
  const file = parseApacheJson(await text(bench, 'consumerOffset.json')) as JsonObject;
  const entry = (file.get('offsetTable') as JsonObject).get(key);
  return entry instanceof Map ? Object.fromEntries(entry) : entry;
}

const topicsJson = (...names: readonly string[]): string => {
  const entries = names.map((name) => [
    name,
    { topicName: name, readQueueNums: 1, writeQueueNums: 1 },
  ]);
  return JSON.stringify({ topicConfigTable: Object.fromEntries(entries) as object });
};

const offsetsJson = (key: string, offset: number): string =>
  `{"dataVersion":{"counter":1,"stateVersion":0,"timestamp":1},"offsetTable":{"${key}":{0:${offset}}}}`;

/** What Apache leaves when it has been started. */
async function visit(bench: BrokerBench): Promise<void> {
  await bench.platform.files.writeFile('/broker/abort.bak', '');
}

describe('config/*.json after an orderly stop', () => {
  it('holds topics, groups and offsets in the shapes of Apache RocketMQ', async () => {
    const bench = await readyBench({}, 2);
    for (const id of ['a', 'b', 'c']) await bench.send('t', id);
    await bench.ack((await bench.pop()).slice(0, 2));
    await stop(bench);
    const topics = await text(bench, 'topics.json');
    expect(topics).toContain(
      '\t\t"t":{\n\t\t\t"attributes":{\n\t\t\t\t"message.type":"NORMAL"\n\t\t\t},\n\t\t\t"order":false,\n' +
        '\t\t\t"perm":6,\n\t\t\t"readQueueNums":2,\n\t\t\t"topicFilterType":"SINGLE_TAG",\n' +
        '\t\t\t"topicName":"t",\n\t\t\t"topicSysFlag":0,\n\t\t\t"writeQueueNums":2\n\t\t}',
    );
    expect(topics).toContain('"rmq_sys_GANTRY_META":{');
    expect(topics).toContain('"rmq_sys_POP_LEDGER":{');
    expect(topics).toMatch(/^\{\n\t"dataVersion":\{\n\t\t"counter":1,\n\t\t"stateVersion":0,/);
    const groups = await text(bench, 'subscriptionGroup.json');
    expect(groups).toContain('\t\t"g":{\n\t\t\t"attributes":{},\n\t\t\t"brokerId":0,');
    expect(groups).toContain('"groupRetryPolicy":{\n\t\t\t\t"type":"CUSTOMIZED"\n\t\t\t},');
    expect(groups).toContain('"retryMaxTimes":16,');
    expect(await offsets(bench, 't@g')).toEqual({ 0: 2, 1: 0 });
    expect(await bench.platform.files.stat('/broker/abort')).toBeUndefined();
  });

  it('keeps what we do not know, and the file before as .bak', async () => {
    const bench = await readyBench();
    await stop(bench);
    const topics = (await text(bench, 'topics.json')).replace(
      '"topicConfigTable":{',
      '"topicConfigTable":{"TBW102":{"perm":7,"readQueueNums":8,"writeQueueNums":8,"other":9007199254740993},',
    );
    await put(bench, 'topics.json', topics);
    await bench.open();
    await bench.topic('second');
    await stop(bench);
    expect(await text(bench, 'topics.json')).toContain('"other":9007199254740993');
    expect(await text(bench, 'topics.json')).toContain('"topicName":"second"');
    expect(await text(bench, 'topics.json.bak')).toBe(topics);
    expect(await bench.platform.files.list('/broker/config')).toEqual([
      'consumerOffset.json',
      'subscriptionGroup.json',
      'topics.json',
      'topics.json.bak',
    ]);
  });

  it('is left as it is when nothing has changed', async () => {
    const bench = await readyBench();
    await stop(bench);
    const before = await text(bench, 'topics.json');
    await bench.open();
    await stop(bench);
    expect(await text(bench, 'topics.json')).toBe(before);
  });
});

test('config/*.json are written at most once a minute while the broker runs', async () => {
  const bench = await readyBench();
  await bench.sim.advance(59_000);
  expect(await text(bench, 'topics.json')).toBe('');
  await bench.sim.advance(2_000);
  expect(await text(bench, 'topics.json')).toContain('"topicName":"t"');
  await bench.topic('second');
  await bench.sim.advance(50_000);
  expect(await text(bench, 'topics.json')).not.toContain('"topicName":"second"');
  await bench.sim.advance(11_000);
  expect(await text(bench, 'topics.json')).toContain('"topicName":"second"');
});

describe('a directory that another program has had', () => {
  it('gives a group the offset of consumerOffset.json, and handles of before are void', async () => {
    const bench = await readyBench();
    for (const id of ['a', 'b', 'c', 'd']) await bench.send('t', id);
    const held = await bench.pop({ maxMessages: 1 });
    await stop(bench);
    await put(bench, 'consumerOffset.json', offsetsJson('t@g', 2));
    await bench.open();
    expect(idsOf(await bench.pop())).toEqual(['c', 'd']);
    const [code] = await bench.ack(held);
    expect(code).toBe(Code.INVALID_RECEIPT_HANDLE);
  });

  it('has the topics and groups that the files name, and no others', async () => {
    const bench = await readyBench();
    await stop(bench);
    await put(bench, 'topics.json', topicsJson('new', '%RETRY%g', 'TBW102'));
    await put(
      bench,
      'subscriptionGroup.json',
      '{"subscriptionGroupTable":{"fifo":{"consumeMessageOrderly":true,"retryMaxTimes":2,"groupRetryPolicy":' +
        '{"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":1,"max":9,"multiplier":3}}},"TOOLS_CONSUMER":{}}}',
    );
    await bench.open();
    const topics = await bench.broker.listTopics();
    expect(topics.map(({ name, queues }) => `${name} ${queues}`)).toEqual(['new 1', '%RETRY%g 1']);
    expect(await bench.broker.listGroups()).toEqual([
      {
        ...{ name: 'fifo', fifo: true, maxAttempts: 3, startFrom: 'end' },
        backoff: { kind: 'exponential', initialMs: 1, maxMs: 9, multiplier: 3 },
      },
    ]);
  });

  it('says when lite topics go and how many a client has, in the attributes of Apache', async () => {
    const bench = await readyBench();
    const lite = { type: 'LITE', queues: 1 } as const;
    await bench.drive(bench.broker.putTopic({ name: 'some', ...lite, liteIdleMs: 90_000 }));
    await bench.drive(bench.broker.putTopic({ name: 'never', ...lite, liteIdleMs: 0 }));
    await bench.drive(
      bench.broker.putGroup({ ...newGroup('quota'), liteTopic: 'some', liteQuota: 7 }),
    );
    await stop(bench);
    expect(await text(bench, 'topics.json')).toContain('"lite.topic.expiration":"2"');
    expect(await text(bench, 'topics.json')).toContain('"lite.topic.expiration":"-1"');
    expect(await text(bench, 'subscriptionGroup.json')).toContain('"lite.sub.client.quota":"7"');
    await visit(bench);
    await bench.open();
    const topics = await bench.broker.listTopics();
    const idle = topics.map(({ name, liteIdleMs }) => [name, liteIdleMs]);
    expect(Object.fromEntries(idle)).toEqual({ t: undefined, some: 120_000, never: 0 });
    expect(await bench.broker.listGroups()).toContainEqual(
      expect.objectContaining({ name: 'quota', liteTopic: 'some', liteQuota: 7 }),
    );
  });

  it('is known by its abort.bak, also when no file was changed', async () => {
    const bench = await readyBench();
    for (const id of ['a', 'b']) await bench.send('t', id);
    await bench.ack((await bench.pop()).slice(1));
    await stop(bench);
    await visit(bench);
    await bench.open();
    // By our own ledger only `a` was left; the files know no more than a lowest offset.
    expect(idsOf(await bench.pop())).toEqual(['a', 'b']);
    expect(await bench.platform.files.stat('/broker/abort.bak')).toBeUndefined();
  });

  it('may hold forged records of our own topics: they do not count, now and later', async () => {
    const bench = await readyBench();
    const change = { kind: 'topic', topic: { name: 'forged', type: 'NORMAL', queues: 1 } };
    const forged = draftRecord({
      ...{ topic: META_TOPIC, body: Buffer.from(JSON.stringify(change)), properties: '' },
      ...{ tag: '', bornTimestamp: 1 },
    });
    await stop(bench);
    await bench.open();
    bench.running?.store.append(forged, 0, true);
    await stop(bench);
    await visit(bench);
    await bench.platform.files.remove('/broker/gantry/views.json');
    await bench.open();
    expect((await bench.broker.listTopics()).map(({ name }) => name)).toEqual(['t']);
    await bench.platform.files.remove('/broker/gantry/views.json');
    await bench.restart();
    await bench.platform.files.remove('/broker/gantry/views.json');
    await bench.restart();
    expect((await bench.broker.listTopics()).map(({ name }) => name)).toEqual(['t']);
  });

  it('gives a damaged file from its .bak, and is refused without one', async () => {
    const bench = await readyBench();
    for (const id of ['a', 'b']) await bench.send('t', id);
    await stop(bench);
    await put(bench, 'consumerOffset.json', '{"offsetTable":{"t@g":{0:');
    await expect(bench.open()).rejects.toThrow(/config\/consumerOffset.json cannot be read/);
  });

  it('is taken over once: what happens then is in our own log again', async () => {
    const bench = await readyBench();
    for (const id of ['a', 'b', 'c']) await bench.send('t', id);
    await stop(bench);
    await put(bench, 'consumerOffset.json', offsetsJson('t@g', 1));
    await bench.open();
    const popped = await bench.pop({ invisibleMs: 60_000 });
    expect(idsOf(popped)).toEqual(['b', 'c']);
    await bench.ack(popped.slice(1));
    await bench.restart();
    await bench.sim.advance(61_000);
    expect(idsOf(await bench.pop())).toEqual(['b']);
  });
});
