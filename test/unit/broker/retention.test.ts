/** What consumers and the broker's own state keep when the oldest part of the log goes. */
import { DEFAULT_RETENTION } from '../../../src/store/retention';
import { handleOf, readyBench, type BrokerBench } from '../../support/broker-bench';
import { SimClock } from '../../support/sim-clock';
import { idsOf, popRequest } from '../../support/test-broker';
import { never } from '../../support/broker-bench';

const HOUR_MS = 3_600_000;
const SEGMENT_BYTES = 16 * 1024;
const retention = {
  ...DEFAULT_RETENTION,
  hour: new Date(new SimClock().clock.wallMs()).getHours(),
};

function open(): Promise<BrokerBench> {
  return readyBench({ store: { segmentBytes: SEGMENT_BYTES, retention } });
}

async function fill(bench: BrokerBench, name: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, i) => `${name}${i}`);
  for (const id of ids) await bench.send('t', id);
  return ids;
}

/** Lets all that is in the log now expire, and go. */
async function age(bench: BrokerBench): Promise<void> {
  await bench.sim.advance(11_000);
  bench.sim.jumpWall(72 * HOUR_MS);
  await bench.sim.advance(11_000);
  await bench.sim.advance(11_000);
}

async function popAll(bench: BrokerBench, group = 'g'): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const request = popRequest(group, 't', { invisibleMs: 10 * HOUR_MS });
    const popped = await bench.drive(bench.broker.pop(request, never));
    if (popped.length === 0) return ids;
    ids.push(...idsOf(popped));
  }
}

function minOffset(bench: BrokerBench): number {
  return bench.running?.store.minOffset('t', 0) ?? -1;
}

describe('when old segments are removed', () => {
  it('topics, groups and ledgers live on, however far below their records lay', async () => {
    const bench = await open();
    await bench.subscribe('idle', 't');
    const ids = await fill(bench, 'm', 300);
    await bench.ack(await bench.pop());
    await age(bench);
    const min = minOffset(bench);
    expect(min).toBeGreaterThan(100);
    await bench.kill();
    const topics = await bench.broker.listTopics();
    expect(topics.map(({ name }) => name)).toEqual(['t']);
    const groups = await bench.broker.listGroups();
    expect(groups.map(({ name }) => name).sort()).toEqual(['g', 'idle']);
    expect(await popAll(bench)).toEqual(ids.slice(min));
    expect(await popAll(bench, 'idle')).toEqual(ids.slice(min));
  });

  it('messages that a group has not had are counted, those that it finished are not', async () => {
    const bench = await open();
    await bench.subscribe('idle', 't');
    await fill(bench, 'm', 300);
    await bench.ack(await bench.pop());
    await age(bench);
    const min = minOffset(bench);
    expect(bench.broker.expiredMessages('g')).toBe(min - 32);
    expect(bench.broker.expiredMessages('idle')).toBe(min);
  });

  it('what is in flight above stays so, and its handle is good, after a restart too', async () => {
    const bench = await open();
    await fill(bench, 'm', 100);
    await popAll(bench);
    await fill(bench, 'n', 200);
    const request = popRequest('g', 't', { maxMessages: 1, invisibleMs: 100 * HOUR_MS });
    for (let offset = 100; offset < 299; offset++) {
      await bench.ack(await bench.drive(bench.broker.pop(request, never)));
    }
    const held = await bench.drive(bench.broker.pop(request, never));
    expect(idsOf(held)).toEqual(['n199']);
    await age(bench);
    expect(minOffset(bench)).toBeGreaterThan(100);
    await bench.kill();
    expect(await popAll(bench)).toEqual([]);
    const entries = [handleOf(held)];
    const statuses = await bench.drive(bench.broker.ack({ group: 'g', topic: 't', entries }));
    expect(statuses).toMatchObject([{ code: 20000 }]);
  });

  it('a full disk lets consumers finish what they hold, while producers are refused', async () => {
    const bench = await open();
    await fill(bench, 'm', 4);
    const held = await bench.pop();
    const { files } = bench.platform;
    files.space = () => Promise.resolve({ totalBytes: 100, freeBytes: 5 });
    await bench.sim.advance(10_000);
    await expect(fill(bench, 'x', 1)).rejects.toThrow('95 % full');
    expect(await bench.ack(held)).toEqual([20000, 20000, 20000, 20000]);
    files.space = () => Promise.resolve({ totalBytes: 100, freeBytes: 50 });
    await bench.sim.advance(10_000);
    await fill(bench, 'x', 1);
    expect(idsOf(await bench.pop())).toEqual(['x0']);
  });
});
