import { LiteBench } from '../../../support/lite-bench';
import { idsOf } from '../../../support/test-broker';

describe('idle lite topics', () => {
  const settings = { liteTopicIdleMs: 600_000, liteClientSilentMs: 2_000_000 };

  it('are removed, with their messages, and their clients are told once', async () => {
    const bench = await LiteBench.ready({ settings });
    await bench.add('one', ['a', 'b']);
    await bench.sendLite('a-1');
    for (let i = 0; i < 6; i++) {
      await bench.sim.advance(120_000);
      await bench.sendTo('b', `b-${i}`);
    }
    expect(await bench.sync('one', 'set', ['a', 'b'])).toEqual(['a']);
    expect(idsOf(await bench.receive('one'))).toEqual(['b-0', 'b-1', 'b-2', 'b-3', 'b-4', 'b-5']);
    expect(await bench.sync('one', 'set', ['a', 'b'])).toEqual([]);
    await bench.sendLite('a-2');
    expect(idsOf(await bench.receive('one'))).toEqual(['a-2']);
  });

  it('are removed although their clients repeat their lists', async () => {
    const bench = await LiteBench.ready({ settings });
    await bench.add('one', ['a', 'b']);
    const told: string[] = [];
    for (let i = 0; i < 8; i++) {
      await bench.sim.advance(120_000);
      await bench.sendTo('b', `b-${i}`);
      told.push(...(await bench.sync('one', 'set', ['a', 'b'])));
    }
    expect(told).toEqual(['a']);
  });

  it('go when their parent says, or never', async () => {
    const bench = await LiteBench.ready({ settings });
    const parent = (liteIdleMs?: number) =>
      bench.drive(
        bench.broker.putTopic({
          ...{ name: 't', type: 'LITE', queues: 1 },
          ...(liteIdleMs === undefined ? {} : { liteIdleMs }),
        }),
      );
    await parent(5000);
    await bench.add('one', ['a']);
    await bench.sim.advance(70_000);
    expect(await bench.sync('one', 'set', ['a'])).toEqual(['a']);
    await parent(0);
    await bench.add('one', ['b']);
    // What the parent is told beside it, and a kill, change nothing about it.
    await parent();
    await bench.kill();
    await bench.add('one', ['b']);
    await bench.sim.advance(700_000);
    expect(await bench.sync('one', 'set', ['b'])).toEqual([]);
  });

  it('stay while a client receives from them', async () => {
    const bench = await LiteBench.ready({ settings });
    await bench.add('one', ['a']);
    await bench.sendLite('a-1');
    for (let i = 0; i < 12; i++) {
      await bench.sim.advance(120_000);
      expect(idsOf(await bench.receive('one'))).toEqual(['a-1']);
    }
  });

  it.each([false, true])(
    'leave nothing to the one that comes after (killed: %s)',
    async (killed) => {
      const bench = await LiteBench.ready({ settings });
      await bench.add('one', ['a']);
      await bench.sendLite('a-1', 'a-2');
      const old = await bench.receive('one', { maxMessages: 1 });
      await bench.sim.advance(1_300_000);
      if (killed) await bench.kill();
      await bench.sendLite('z-1');
      await bench.add('one', ['z'], { at: 'beginning' });
      expect(idsOf(await bench.receive('one'))).toEqual(['z-1']);
      await bench.ack(old);
      await bench.sim.advance(10_100);
      expect(idsOf(await bench.receive('one'))).toEqual(['z-1']);
    },
  );
});
