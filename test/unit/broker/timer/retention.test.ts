/** Delayed messages whose records are older than the log that is kept. */
import { TIMER_TOPIC } from '../../../../src/message/names';
import { Code } from '../../../../src/message/status';
import { DEFAULT_RETENTION } from '../../../../src/store/retention';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { HOUR_MS, popIds, recall, sendIn } from '../../../support/delayed';
import { SimClock } from '../../../support/sim-clock';

const retention = {
  ...DEFAULT_RETENTION,
  hour: new Date(new SimClock().clock.wallMs()).getHours(),
};

function open(): Promise<BrokerBench> {
  return readyBench({ store: { segmentBytes: 16 * 1024, retention } });
}

/** Lets the segments that are full now expire, and go. */
async function age(bench: BrokerBench): Promise<void> {
  for (let i = 0; i < 200; i++) await bench.send('t', `filler${i}`);
  await bench.sim.advance(11_000);
  bench.sim.jumpWall(72 * HOUR_MS);
  await bench.sim.advance(11_000);
  await bench.sim.advance(11_000);
}

function least(bench: BrokerBench): number {
  return bench.running?.store.minOffset(TIMER_TOPIC, 0) ?? -1;
}

describe('when the log that a delayed message lies in is removed', () => {
  it.each([
    ['', () => Promise.resolve()],
    [' after a crash', (bench: BrokerBench) => bench.kill()],
    [
      ' after a crash, without its index',
      async (bench: BrokerBench) => {
        await bench.platform.files.removeTree('/broker/gantry/timer');
        await bench.kill();
      },
    ],
  ])('it is delivered all the same, once%s', async (_, then) => {
    const bench = await open();
    const recalled = await sendIn(bench, 'recalled', 200 * HOUR_MS);
    await sendIn(bench, 'soon', 1000);
    await sendIn(bench, 'm', 200 * HOUR_MS);
    await sendIn(bench, 'n', 201 * HOUR_MS);
    await recall(bench, 'recalled', recalled);
    await bench.sim.advance(1000);
    await age(bench);
    expect(least(bench)).toBeGreaterThan(3);
    await then(bench);
    await age(bench);
    await then(bench);
    for (let popped = await popIds(bench); popped.length > 0;) popped = await popIds(bench);
    const at = bench.sim.clock.wallMs();
    bench.sim.jumpWall(recalled - at - 1000);
    await bench.sim.advance(500);
    expect(await popIds(bench)).toEqual([]);
    await bench.sim.advance(2000);
    expect(await popIds(bench)).toEqual(['m']);
    bench.sim.jumpWall(HOUR_MS);
    await bench.sim.advance(2000);
    expect(await popIds(bench)).toEqual(['n']);
    await bench.sim.advance(10_000);
    expect(await popIds(bench)).toEqual([]);
  });

  it('it can still be recalled', async () => {
    const bench = await open();
    const deliverMs = await sendIn(bench, 'm', 200 * HOUR_MS);
    await age(bench);
    expect(least(bench)).toBeGreaterThan(0);
    await recall(bench, 'm', deliverMs);
    bench.sim.jumpWall(200 * HOUR_MS);
    await bench.sim.advance(2000);
    const popped = [await popIds(bench), await popIds(bench), await popIds(bench)].flat();
    expect(popped).not.toContain('m');
  });

  it('what is known of a delivered one goes with the log', async () => {
    const bench = await open();
    const deliverMs = await sendIn(bench, 'm', 1000);
    await bench.sim.advance(1000);
    await age(bench);
    await age(bench);
    await expect(recall(bench, 'm', deliverMs)).rejects.toMatchObject({
      code: Code.MESSAGE_NOT_FOUND,
      message: expect.stringContaining('or not any more') as string,
    });
    expect(await bench.platform.files.list('/broker/gantry/timer')).toEqual(['checkpoint.json']);
  });
});
