/** What consumers and the broker's own state keep when the oldest part of the log goes. */
import { Code } from '../../../src/message/status';
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
    await fill(bench, 'm', 300);
    for (let got = 0; got < 300;) {
      const popped = await bench.pop();
      await bench.ack(popped);
      got += popped.length;
    }
    await bench.send('t', 'last');
    const held = await bench.pop({ invisibleMs: 100 * HOUR_MS });
    expect(idsOf(held)).toEqual(['last']);
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

  it('what a group has had and not finished comes again, delivered once more and with its id', async () => {
    const bench = await open();
    const ids = await fill(bench, 'm', 40);
    const held = await bench.pop({ invisibleMs: 100 * HOUR_MS });
    expect(idsOf(held)).toEqual(ids.slice(0, 32));
    await bench.ack(held.slice(0, 30));
    await fill(bench, 'n', 260);
    await age(bench);
    const min = minOffset(bench);
    expect(min).toBeGreaterThan(100);
    expect(bench.broker.expiredMessages('g')).toBe(min - 32);
    for (const killed of [false, true]) {
      if (killed) await bench.kill();
      await bench.sim.advance(100);
      // The old handles do nothing any more: their messages come again.
      expect(await bench.ack(held.slice(31))).toEqual([Code.INVALID_RECEIPT_HANDLE]);
      const again = await bench.pop({ invisibleMs: 1000 });
      expect(idsOf(again)).toEqual(['m30', 'm31']);
      expect(again.map(({ attempt }) => attempt)).toEqual(killed ? [3, 3] : [2, 2]);
      await bench.sim.advance(2000);
    }
    const last = await bench.pop({ invisibleMs: 100 * HOUR_MS });
    expect(idsOf(last)).toEqual(['m30', 'm31']);
    expect(await bench.ack(last)).toEqual([20000, 20000]);
    await bench.kill();
    expect(await popAll(bench)).toEqual(
      [...Array.from({ length: 260 }, (_, i) => `n${i}`)].slice(min - 40),
    );
  });

  it('copies in a retry topic that are not finished are copied again when their segment goes', async () => {
    const bench = await open();
    await fill(bench, 'm', 1);
    await bench.pop({ invisibleMs: 100 * HOUR_MS });
    for (let round = 0; round < 2; round++) {
      await fill(bench, `${round}x`, 300);
      await age(bench);
      const [again] = await bench.pop({ maxMessages: 1, invisibleMs: 100 * HOUR_MS });
      expect(idsOf(again === undefined ? [] : [again])).toEqual(['m0']);
      expect(again?.attempt).toBe(2 + round);
    }
    const topics = await bench.broker.listTopics();
    expect(topics.map(({ name }) => name).sort()).toEqual(['%RETRY%g_t', 't']);
  });

  it('of a FIFO group it goes to the dead letter queue, and its message group goes on', async () => {
    const bench = await open();
    await bench.group({ name: 'g', fifo: true });
    const property = { __SHARDINGKEY: 'one' };
    await bench.send('t', 'first', '', 0, property);
    expect(idsOf(await bench.pop({ invisibleMs: 100 * HOUR_MS }))).toEqual(['first']);
    await fill(bench, 'm', 300);
    await bench.send('t', 'second', '', 0, property);
    await age(bench);
    const { store } = bench.running ?? {};
    const [entry] = (await store?.entries('%DLQ%g', 0, 0, 1)) ?? [];
    const record = entry && (await store?.record('%DLQ%g', 0, entry));
    expect(record?.toString('latin1')).toContain('first');
    expect((await popAll(bench)).at(-1)).toBe('second');
  });

  it('a full disk spends only so much on copies; what it loses is counted', async () => {
    const bench = await open();
    const ids = await fill(bench, 'm', 200);
    expect(await popAll(bench)).toEqual(ids);
    await fill(bench, 'n', 100);
    const { files } = bench.platform;
    files.space = () => Promise.resolve({ totalBytes: 1e6, freeBytes: 145_000 });
    await bench.sim.advance(10_000);
    await bench.sim.advance(21_000);
    const min = minOffset(bench);
    expect(min).toBeGreaterThan(60);
    const copied = bench.running?.store.maxOffset('%RETRY%g_t', 0) ?? 0;
    expect(bench.broker.expiredMessages('g')).toBe(min - copied);
    expect(copied).toBeGreaterThan(0);
    expect(copied).toBeLessThan(min / 2);
  });
});
