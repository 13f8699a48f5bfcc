import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { HOUR_MS, popIds, recall, sendIn } from '../../../support/delayed';

describe('after a restart', () => {
  it.each([
    ['an orderly one', (bench: BrokerBench) => bench.restart()],
    ['a crash', (bench: BrokerBench) => bench.kill()],
  ])(
    '(%s) what waits is delivered at its time, what was delivered is not again',
    async (_, again) => {
      const bench = await readyBench();
      await sendIn(bench, 'a', 1000);
      await sendIn(bench, 'b', 20_000);
      await sendIn(bench, 'c', 10 * HOUR_MS);
      await bench.sim.advance(1000);
      expect(await popIds(bench)).toEqual(['a']);
      await again(bench);
      await bench.sim.advance(18_999);
      await again(bench);
      expect(await popIds(bench)).toEqual([]);
      await bench.sim.advance(1);
      expect(await popIds(bench)).toEqual(['b']);
      await again(bench);
      await bench.sim.advance(10 * HOUR_MS);
      expect(await popIds(bench)).toEqual(['c']);
      expect(bench.running?.store.maxOffset('t', 0)).toBe(3);
    },
  );

  it('what became due meanwhile is delivered at once', async () => {
    const bench = await readyBench();
    for (const [i, ms] of [1000, HOUR_MS, 4 * HOUR_MS].entries()) await sendIn(bench, `m${i}`, ms);
    await bench.drive(bench.running?.stop() ?? Promise.resolve());
    await bench.sim.advance(3 * HOUR_MS);
    await bench.open();
    await bench.sim.advance(10);
    expect(await popIds(bench)).toEqual(['m0', 'm1']);
  });

  it('without the index all is rebuilt from the log', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'a', 1000);
    const recalled = await sendIn(bench, 'b', 5000);
    await sendIn(bench, 'c', 5000);
    await bench.sim.advance(1000);
    await recall(bench, 'b', recalled);
    await bench.drive(bench.running?.stop() ?? Promise.resolve());
    await bench.platform.files.removeTree('/broker/gantry/timer');
    await bench.open();
    await bench.sim.advance(5000);
    expect(await popIds(bench)).toEqual(['a', 'c']);
  });

  it('damage in the index is found, and the start after that rebuilds it', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'a', 3000);
    await bench.drive(bench.running?.stop() ?? Promise.resolve());
    const { files } = bench.platform;
    const [name = ''] = await files.list('/broker/gantry/timer');
    const path = `/broker/gantry/timer/${name}`;
    const bytes = (await files.readFile(path)) ?? Buffer.alloc(0);
    bytes.writeUInt8(bytes.readUInt8(15) ^ 1, 15);
    await files.writeFile(path, bytes);
    await bench.open();
    await bench.sim.advance(5000);
    expect(await popIds(bench)).toEqual([]);
    await bench.restart();
    await bench.sim.advance(1000);
    expect(await popIds(bench)).toEqual(['a']);
  });

  it('deliveries into a topic that was deleted since do not come again to its successor', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'old', 1000);
    await bench.sim.advance(1000);
    await bench.drive(bench.broker.deleteTopic('t'));
    await bench.topic('t');
    await bench.kill();
    await bench.sim.advance(5000);
    expect(bench.running?.store.maxOffset('t', 0)).toBe(0);
  });
});
