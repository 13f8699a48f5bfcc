/** What ordered pops of Apache RocketMQ held, when a directory comes from there. */
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { idsOf } from '../../../support/test-broker';

const ORDER = '/broker/config/consumerOrderInfo.json';

/** Messages a to f of the message groups x and y, and what Apache's files say of group g on them. */
async function taken(committed: number, block: string): Promise<BrokerBench> {
  const bench = await readyBench();
  await bench.group({ fifo: true });
  for (const [i, id] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
    await bench.send('t', id, '', 0, { __SHARDINGKEY: i % 2 === 0 ? 'x' : 'y' });
  }
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
  const { files } = bench.platform;
  await files.writeFile(
    '/broker/config/consumerOffset.json',
    `{"offsetTable":{"t@g":{0:${committed}}}}`,
  );
  await files.writeFile(ORDER, `{"table":{"t@g":{0:${block}}}}`);
  await bench.open();
  return bench;
}

const pop = async (bench: BrokerBench): Promise<string[]> =>
  (await bench.pop({ invisibleMs: 600_000 })).map(
    (delivery) => `${idsOf([delivery]).join('')} ${delivery.attempt}`,
  );

test('what was acknowledged does not come again; what was not comes in order when its time is over', async () => {
  const l = (await readyBench()).sim.clock.wallMs();
  const bench = await taken(
    0,
    `{"a":"attempt","cm":10,"i":1000,"l":${l},"o":[0,1,2,3],"oc":{0:2},"popTime":${l}}`,
  );
  // b and d are acknowledged: nothing of their message group is held.
  expect(await pop(bench)).toEqual(['f 1']);
  await bench.sim.advance(1200);
  expect(await pop(bench)).toEqual(['a 4', 'c 2', 'e 1']);
  const { files } = bench.platform;
  expect((await files.readFile(ORDER))?.toString()).toBe('{"table":{}}');
});

test('a message that is still held holds up its message group only', async () => {
  const nowMs = (await readyBench()).sim.clock.wallMs();
  const block = `{"cm":0,"i":30000,"l":${nowMs},"o":[2],"ot":{2:${nowMs + 60_000}}}`;
  const bench = await taken(2, block);
  expect(await pop(bench)).toEqual(['d 1', 'f 1']);
  await bench.sim.advance(61_000);
  expect(await pop(bench)).toEqual(['c 2', 'e 1']);
});

test('when all was acknowledged the group goes on behind it', async () => {
  const bench = await taken(0, '{"cm":7,"i":1000,"l":1,"o":[0,1,2]}');
  expect((await pop(bench)).sort()).toEqual(['d 1', 'e 1', 'f 1']);
});

test.each([
  ['is behind the offset of the group', 4, '{"cm":0,"i":1,"l":1,"o":[0,1]}', ['e 1', 'f 1']],
  ['names what is not there', 4, '{"cm":3,"i":1,"l":1,"o":[5,1]}', ['e 1', 'f 1']],
  ['is damaged', 4, '{"cm":"x","o":7}', ['e 1', 'f 1']],
])('what %s changes nothing', async (_what, committed, block, ids) => {
  expect((await pop(await taken(committed, block))).sort()).toEqual(ids);
});
