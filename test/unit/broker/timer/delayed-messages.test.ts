import type { SendResult } from '../../../../src/api/broker-api';
import { Code } from '../../../../src/message/status';
import { encodeProperties, Property } from '../../../../src/message/properties';
import { draftRecord } from '../../../../src/message/record-draft';
import { readRecord, recordProperties } from '../../../../src/message/record';
import { never, readyBench } from '../../../support/broker-bench';
import { HOUR_MS, popIds, sendIn, wall } from '../../../support/delayed';
import { idsOf, popRequest } from '../../../support/test-broker';

describe('a delayed message', () => {
  it('is delivered at its time to the millisecond, and not before', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'm', 12_345);
    await sendIn(bench, 'before', 12_344);
    await bench.sim.advance(12_344);
    expect(await popIds(bench)).toEqual(['before']);
    await bench.sim.advance(1);
    expect(await popIds(bench)).toEqual(['m']);
  });

  it('wakes a receive that waits', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'm', 1000);
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    await bench.sim.advance(1001);
    expect(idsOf(await bench.drive(waiting))).toEqual(['m']);
  });

  it('carries its delivery time and the record that it waited as', async () => {
    const bench = await readyBench();
    const deliverMs = wall(bench) + 500;
    const properties = { [Property.TIMER_DELIVER_MS]: String(deliverMs), color: 'blue' };
    const draft = bench.draft('t', 'm', properties);
    const { physicalOffset, delayed } = await bench.drive(bench.broker.send({ queueId: 0, draft }));
    expect(delayed).toBe(true);
    await bench.sim.advance(500);
    const [popped] = await bench.pop();
    const record = readRecord(popped?.record ?? Buffer.alloc(0), 0);
    expect(record.topic).toBe('t');
    expect(record.bornTimestamp).toBe(1_700_000_000_000);
    expect(Object.fromEntries(recordProperties(record))).toEqual({
      UNIQ_KEY: 'm',
      TIMER_DELIVER_MS: String(deliverMs),
      color: 'blue',
      GANTRY_DELAY_RECORD: String(physicalOffset),
    });
  });

  it('whose send is repeated waits once, and the repetition gets the first answer', async () => {
    const bench = await readyBench();
    const deliverMs = wall(bench) + 10_000;
    const properties = { [Property.TIMER_DELIVER_MS]: String(deliverMs) };
    const send = (): Promise<SendResult> =>
      bench.drive(bench.broker.send({ queueId: 0, draft: bench.draft('t', 'm', properties) }));
    const first = await send();
    expect(await send()).toEqual(first);
    await bench.kill();
    expect(await send()).toEqual(first);
    await bench.sim.advance(10_000);
    expect(await send()).toEqual(first);
    expect(await popIds(bench)).toEqual(['m']);
    await bench.kill();
    expect(await send()).toEqual(first);
    expect(bench.running?.store.maxOffset('t', 0)).toBe(1);
  });

  it('with a time in the past is delivered at once', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'm', -1000);
    await sendIn(bench, 'n', 0);
    expect(await popIds(bench)).toEqual(['m', 'n']);
  });

  it('goes to the queue that it was sent to', async () => {
    const bench = await readyBench({}, 4);
    const deliverMs = wall(bench) + 100;
    const draft = bench.draft('t', 'm', { [Property.TIMER_DELIVER_MS]: String(deliverMs) });
    await bench.drive(bench.broker.send({ queueId: 3, draft }));
    await bench.sim.advance(100);
    expect(bench.running?.store.maxOffset('t', 3)).toBe(1);
  });

  it('comes in the order of due times, those of one time in the order of sending', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'late', 3000);
    await sendIn(bench, 'early', 1000);
    await sendIn(bench, 'second', 2000);
    await sendIn(bench, 'third', 2000);
    await bench.sim.advance(3000);
    expect(await popIds(bench)).toEqual(['early', 'second', 'third', 'late']);
  });

  it('waits over many periods', async () => {
    const bench = await readyBench();
    for (const hours of [5, 1, 3]) await sendIn(bench, `h${hours}`, hours * HOUR_MS);
    for (const hours of [1, 3, 5]) {
      const restMs = hours === 1 ? HOUR_MS : 2 * HOUR_MS;
      await bench.sim.advance(restMs - 1);
      expect(await popIds(bench)).toEqual([]);
      await bench.sim.advance(1);
      expect(await popIds(bench)).toEqual([`h${hours}`]);
    }
  });

  it('is dropped when its topic is gone at its time, and does not hold up others', async () => {
    const bench = await readyBench();
    await bench.topic('gone');
    await sendIn(bench, 'lost', 1000, 'gone');
    const deliverMs = await sendIn(bench, 'm', 1000);
    await bench.drive(bench.broker.deleteTopic('gone'));
    await bench.sim.advance(1000);
    expect(await popIds(bench)).toEqual(['m']);
    await expect(
      bench.drive(bench.broker.recall({ topic: 'gone', messageId: 'lost', deliverMs })),
    ).rejects.toThrow('was dropped');
  });

  it('is refused when too many are due at about its time', async () => {
    const bench = await readyBench({ settings: { maxDelayedPerPeriod: 2 } });
    await sendIn(bench, 'a', 1000);
    await sendIn(bench, 'b', 1000);
    await expect(sendIn(bench, 'c', 1000)).rejects.toMatchObject({
      code: Code.TOO_MANY_REQUESTS,
      message: expect.stringMatching(/^2 messages are due within .* the limit is 2$/) as string,
    });
    await sendIn(bench, 'd', HOUR_MS);
    await bench.sim.advance(1000);
    expect(await popIds(bench)).toEqual(['a', 'b']);
  });

  it('is refused when its properties leave no room for its place', async () => {
    const bench = await readyBench();
    const properties: [string, string][] = [[Property.UNIQ_KEY, 'x'.repeat(32_700)]];
    const draft = draftRecord({
      ...{ topic: 't', body: Buffer.from('x'), tag: '', bornTimestamp: 0 },
      properties: encodeProperties(properties),
      deliverMs: wall(bench) + 1000,
    });
    await expect(bench.drive(bench.broker.send({ queueId: 0, draft }))).rejects.toMatchObject({
      code: Code.MESSAGE_PROPERTIES_TOO_LARGE,
    });
  });
});

describe('when the wall clock jumps', () => {
  it('forwards, what became due is delivered within a second, the rest at its time', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'm', HOUR_MS);
    await sendIn(bench, 'n', HOUR_MS + 10_000);
    await bench.sim.advance(5000);
    bench.sim.jumpWall(HOUR_MS - 5000);
    await bench.sim.advance(1000);
    expect(await popIds(bench)).toEqual(['m']);
    await bench.sim.advance(8999);
    expect(await popIds(bench)).toEqual([]);
    await bench.sim.advance(1);
    expect(await popIds(bench)).toEqual(['n']);
  });

  it('back, nothing comes before the clock says its time', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'm', 10_000);
    await bench.sim.advance(9000);
    bench.sim.jumpWall(-60_000);
    await bench.sim.advance(60_999);
    expect(await popIds(bench)).toEqual([]);
    await bench.sim.advance(1);
    expect(await popIds(bench)).toEqual(['m']);
  });
});
