import { TIMER_TOPIC } from '../../../../src/message/names';
import { Code } from '../../../../src/message/status';
import { readyBench } from '../../../support/broker-bench';
import { HOUR_MS, popIds, recall, sendIn } from '../../../support/delayed';

describe('a recall', () => {
  it('keeps a message from being delivered, and says so again when repeated', async () => {
    const bench = await readyBench();
    const deliverMs = await sendIn(bench, 'm', 10_000);
    await sendIn(bench, 'n', 10_000);
    await recall(bench, 'm', deliverMs);
    await recall(bench, 'm', deliverMs);
    await bench.kill();
    await recall(bench, 'm', deliverMs);
    expect(bench.running?.store.maxOffset(TIMER_TOPIC, 0)).toBe(3);
    await bench.sim.advance(10_000);
    await recall(bench, 'm', deliverMs);
    expect(await popIds(bench)).toEqual(['n']);
  });

  it('works hours ahead, before and after a restart', async () => {
    const bench = await readyBench();
    const first = await sendIn(bench, 'm', 5 * HOUR_MS);
    const second = await sendIn(bench, 'n', 5 * HOUR_MS);
    await sendIn(bench, 'o', 5 * HOUR_MS);
    await recall(bench, 'm', first);
    await bench.restart();
    await recall(bench, 'n', second);
    await bench.sim.advance(5 * HOUR_MS);
    expect(await popIds(bench)).toEqual(['o']);
  });

  it('ends the wait of all messages of that id, so that a repeated send is recalled with the first', async () => {
    const bench = await readyBench({ settings: { dedupWindowMs: 0 } });
    const deliverMs = await sendIn(bench, 'm', 10_000);
    await sendIn(bench, 'm', 10_000);
    await recall(bench, 'm', deliverMs);
    await bench.sim.advance(10_000);
    expect(await popIds(bench)).toEqual([]);
  });

  it('of a message that was delivered says so, after a crash too', async () => {
    const bench = await readyBench();
    const deliverMs = await sendIn(bench, 'm', 10_000);
    await bench.sim.advance(10_000);
    const refusal = {
      code: Code.MESSAGE_NOT_FOUND,
      message: 'message m of topic t has been delivered already',
    };
    await expect(recall(bench, 'm', deliverMs)).rejects.toMatchObject(refusal);
    await bench.sim.advance(HOUR_MS);
    await expect(recall(bench, 'm', deliverMs)).rejects.toMatchObject(refusal);
    await bench.kill();
    await expect(recall(bench, 'm', deliverMs)).rejects.toMatchObject(refusal);
  });

  it.each([
    ['another id', 'x', 0],
    ['another time', 'm', 1],
    ['a time of which nothing is known', 'm', 7 * HOUR_MS],
  ])('of %s is refused as unknown', async (_, id, offMs) => {
    const bench = await readyBench();
    const deliverMs = await sendIn(bench, 'm', 10_000);
    await expect(recall(bench, id, deliverMs + offMs)).rejects.toMatchObject({
      code: Code.MESSAGE_NOT_FOUND,
      message: expect.stringContaining('is known, or not any more') as string,
    });
    await bench.sim.advance(10_000);
    expect(await popIds(bench)).toEqual(['m']);
  });
});
