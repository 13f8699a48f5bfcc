import { heldByPop } from '../../../../src/broker/exchange/pop-checkpoints';
import type { JsonObject } from '../../../../src/broker/exchange/apache-json';
import { draftRecord } from '../../../../src/message/record-draft';
import { encodeProperties } from '../../../../src/message/properties';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { idsOf } from '../../../support/test-broker';

const TIMER = 'rmq_sys_wheel_timer';
const REVIVE = 'rmq_sys_REVIVE_LOG_DefaultCluster';

interface Shape {
  readonly pt?: number;
  readonly so?: number;
  readonly [name: string]: unknown;
}

/** Appends a record as Apache's broker writes it for a pop, or for what follows one. */
function append(bench: BrokerBench, topic: string, tag: string, body: Shape, queueId = 0): void {
  const known = { t: 't', c: 'g', q: 0, so: 0, pt: 1000, bn: 'broker-a', ...body };
  bench.running?.store.append(
    draftRecord({
      topic,
      body: Buffer.from(JSON.stringify(known)),
      ...{ properties: encodeProperties([['TAGS', tag]]), tag, bornTimestamp: 1 },
    }),
    queueId,
    true,
  );
}

const pop = (deltas: readonly number[], more: Shape = {}): Shape => {
  return { d: deltas, n: deltas.length, it: 5000, bm: 0, ...more };
};

async function held(bench: BrokerBench, processed = -1, max?: number): Promise<string[]> {
  await bench.sim.advance(1000);
  const settled: JsonObject = new Map([[0, processed]]);
  const table: JsonObject = new Map([[`${REVIVE}@CID_RMQ_SYS_REVIVE_GROUP`, settled]]);
  const store = bench.running?.store;
  if (store === undefined) throw new Error('not open');
  const messages = await bench.drive(heldByPop(store, table, [REVIVE], max));
  return messages.map(({ topic, group, queueId, offset, dueMs }) =>
    [topic, group, queueId, offset, dueMs].join(' '),
  );
}

test('messages of a checkpoint are held, but for those that were acknowledged', async () => {
  const bench = await readyBench();
  append(bench, TIMER, 'ck', pop([0, 2, 3], { so: 10, q: 1 }));
  append(bench, TIMER, 'ck', pop([], { n: 3, so: 20, bm: 2 }));
  append(bench, TIMER, 'ack', { so: 10, q: 1, ao: 12 });
  append(bench, TIMER, 'ack', { so: 10, q: 1, ao: 13, pt: 999 });
  append(bench, TIMER, 'bAck', { so: 20, ao: -1, aol: [20, 99] });
  expect(await held(bench)).toEqual(['t g 1 10 6000', 't g 1 13 6000', 't g 0 22 6000']);
});

test('a change of the invisible time is a new checkpoint and an acknowledgement of the old one', async () => {
  const bench = await readyBench();
  append(bench, TIMER, 'ck', pop([0, 1]));
  append(bench, TIMER, 'ck', pop([0], { so: 1, pt: 2000, it: 60_000 }));
  append(bench, TIMER, 'ack', { ao: 1 });
  expect(await held(bench)).toEqual(['t g 0 0 6000', 't g 0 1 62000']);
});

test('a checkpoint that is due lies in the revive topic too: it counts once', async () => {
  const bench = await readyBench();
  append(bench, TIMER, 'ck', pop([0, 1]));
  append(bench, TIMER, 'ack', { ao: 0 });
  append(bench, REVIVE, 'ck', pop([0, 1]));
  expect(await held(bench)).toEqual(['t g 0 1 6000']);
});

test('what the revive group has processed is settled', async () => {
  const bench = await readyBench();
  append(bench, TIMER, 'ck', pop([0]));
  append(bench, TIMER, 'ck', pop([1]));
  append(bench, REVIVE, 'ck', pop([0]));
  append(bench, REVIVE, 'ck', pop([7], { so: 3, pt: 5 }));
  expect(await held(bench, 0)).toEqual(['t g 0 10 5005']);
});

test('more checkpoints than the bound are refused', async () => {
  const bench = await readyBench();
  for (let pt = 0; pt < 3; pt++) append(bench, TIMER, 'ck', pop([0], { pt }));
  expect(await held(bench, -1, 3)).toHaveLength(3);
  await expect(held(bench, -1, 2)).rejects.toThrow(/more than 2 pop checkpoints/);
});

test('held messages come again with the next attempt when their time is over, others of the pop do not', async () => {
  const bench = await readyBench();
  for (const id of ['a', 'b', 'c', 'd']) await bench.send('t', id);
  const now = bench.platform.clock.wallMs();
  append(bench, TIMER, 'ck', pop([0, 1, 2], { pt: now, it: 30_000 }));
  append(bench, TIMER, 'ack', { pt: now, ao: 1 });
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
  const revive = `"${REVIVE}":{"topicName":"${REVIVE}"}`;
  await bench.platform.files.writeFile(
    '/broker/config/topics.json',
    `{"topicConfigTable":{"t":{"readQueueNums":1,"writeQueueNums":1},${revive}}}`,
  );
  await bench.platform.files.writeFile(
    '/broker/config/consumerOffset.json',
    '{"offsetTable":{"t@g":{0:3}}}',
  );
  await bench.open();
  expect(idsOf(await bench.pop())).toEqual(['d']);
  await bench.sim.advance(31_000);
  const again = await bench.pop();
  expect(idsOf(again)).toEqual(['a', 'c', 'd']);
  expect(again.map(({ attempt }) => attempt)).toEqual([2, 2, 2]);
});
