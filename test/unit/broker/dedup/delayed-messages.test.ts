import { TIMER_TOPIC } from '../../../../src/message/names';
import { Property } from '../../../../src/message/properties';
import { type BrokerBench, readyBench } from '../../../support/broker-bench';
import { popIds, wall } from '../../../support/delayed';
import { messageDraft } from '../../../support/test-broker';

/** Sends a message that is due at `deliverMs`, again or for the first time. */
function send(bench: BrokerBench, id: string, deliverMs: number): Promise<unknown> {
  const properties = { [Property.TIMER_DELIVER_MS]: String(deliverMs) };
  const draft = messageDraft('t', id, '', properties);
  return bench.drive(bench.broker.send({ queueId: 0, draft }));
}

describe.each(['restart', 'kill'] as const)('a delayed message sent again after a %s', (how) => {
  it('gets the first result while it waits', async () => {
    const bench = await readyBench();
    const deliverMs = wall(bench) + 60_000;
    const first = await send(bench, 'a', deliverMs);
    await bench[how]();
    expect(await send(bench, 'a', deliverMs)).toEqual(first);
    expect(bench.running?.store.maxOffset(TIMER_TOPIC, 0)).toBe(1);
    await bench.sim.advance(60_000);
    expect(await popIds(bench)).toEqual(['a']);
  });

  it('gets the first result after it was delivered, and does not come twice', async () => {
    const bench = await readyBench();
    const deliverMs = wall(bench) + 10_000;
    const first = await send(bench, 'a', deliverMs);
    await bench.sim.advance(10_000);
    expect(await popIds(bench)).toEqual(['a']);
    await bench[how]();
    expect(await send(bench, 'a', deliverMs)).toEqual(first);
    await bench.sim.advance(1_000);
    expect(await popIds(bench)).toEqual([]);
    expect(bench.running?.store.maxOffset('t', 0)).toBe(1);
  });
});
