import { Property } from '../../../src/message/properties';
import { Code } from '../../../src/message/status';
import { BrokerBench, never, readyBench } from '../../support/broker-bench';
import { idsOf, popRequest } from '../../support/test-broker';

const attempt = { attemptId: 'attempt-1', invisibleMs: 20_000 };

describe('a receive repeated with its attempt id', () => {
  it('gives the same messages, handles and attempts, and does not move the deadline', async () => {
    const bench = await readyBench();
    for (const id of ['m1', 'm2', 'm3']) await bench.send('t', id);
    const first = await bench.pop({ ...attempt, maxMessages: 2 });
    await bench.sim.advance(15_000);
    const again = await bench.pop({ ...attempt, maxMessages: 2 });
    expect(idsOf(again)).toEqual(['m1', 'm2']);
    expect(again.map(({ receiptHandle }) => receiptHandle)).toEqual(
      first.map(({ receiptHandle }) => receiptHandle),
    );
    expect(again.map((message) => message.attempt)).toEqual([1, 1]);
    for (const { invisibleMs } of again) expect(invisibleMs).toBeLessThanOrEqual(5_100);
    await bench.sim.advance(5_100);
    const later = await bench.pop();
    expect(idsOf(later)).toEqual(['m1', 'm2', 'm3']);
    expect(later.map((message) => message.attempt)).toEqual([2, 2, 1]);
  });

  it('gives what is left of them, and something new when nothing is', async () => {
    const bench = await readyBench();
    for (const id of ['m1', 'm2', 'm3']) await bench.send('t', id);
    const first = await bench.pop({ ...attempt, maxMessages: 2 });
    await bench.ack(first.slice(0, 1));
    const again = await bench.pop({ ...attempt, maxMessages: 2 });
    expect(idsOf(again)).toEqual(['m2']);
    expect(await bench.ack(again)).toEqual([Code.OK]);
    expect(idsOf(await bench.pop({ ...attempt, maxMessages: 2 }))).toEqual(['m3']);
  });

  it('is another receive when another client, or no attempt id, asks', async () => {
    const bench = await readyBench();
    for (const id of ['m1', 'm2', 'm3']) await bench.send('t', id);
    await bench.pop({ ...attempt, maxMessages: 1 });
    expect(idsOf(await bench.pop({ ...attempt, clientId: 'other', maxMessages: 1 }))).toEqual([
      'm2',
    ]);
    expect(idsOf(await bench.pop())).toEqual(['m3']);
  });

  it('ends the wait of the first call', async () => {
    const bench = await readyBench();
    const first = bench.broker.pop(popRequest('g', 't', { ...attempt, pollMs: 20_000 }), never);
    await bench.sim.advance(1000);
    const second = bench.broker.pop(popRequest('g', 't', { ...attempt, pollMs: 20_000 }), never);
    expect(await bench.drive(first)).toEqual([]);
    await bench.send('t', 'm');
    expect(idsOf(await bench.drive(second))).toEqual(['m']);
  });

  it('is a new receive when their time was over at the start of the next broker', async () => {
    const bench = await readyBench();
    for (const id of ['m1', 'm2']) await bench.send('t', id);
    await bench.pop(attempt);
    await bench.kill(() => bench.sim.advance(20_000));
    expect(await bench.pop(attempt)).toEqual([]);
    await bench.sim.advance(100);
    const again = await bench.pop(attempt);
    expect(again.map((message) => message.attempt)).toEqual([2, 2]);
  });

  it.each([['restart'], ['kill']] as const)(
    'gives them also after a %s, to a FIFO group',
    async (how) => {
      const bench = await new BrokerBench().open();
      await bench.topic('t');
      await bench.group({ fifo: true });
      await bench.subscribe('g', 't');
      const inA = { [Property.SHARDINGKEY]: 'a' };
      for (const id of ['a1', 'a2', 'a3']) await bench.send('t', id, '', 0, inA);
      const first = await bench.pop({ ...attempt, maxMessages: 2 });
      await bench[how]();
      expect(await bench.pop()).toEqual([]);
      const again = await bench.pop({ ...attempt, maxMessages: 2 });
      expect(again.map(({ receiptHandle }) => receiptHandle)).toEqual(
        first.map(({ receiptHandle }) => receiptHandle),
      );
      expect(again.map((message) => message.attempt)).toEqual([1, 1]);
      expect(await bench.ack(first)).toEqual([Code.OK, Code.OK]);
      expect(idsOf(await bench.pop())).toEqual(['a3']);
    },
  );

  it('gives each of them once after a start that reads a snapshot besides what it holds', async () => {
    const bench = await readyBench({ settings: { snapshotEveryBytes: 1 } });
    for (const id of ['m1', 'm2']) await bench.send('t', id);
    const first = await bench.pop(attempt);
    await bench.kill((files) => files.remove('/broker/gantry/views.json'));
    const again = await bench.pop(attempt);
    expect(again.map(({ receiptHandle }) => receiptHandle)).toEqual(
      first.map(({ receiptHandle }) => receiptHandle),
    );
  });

  it('keeps its messages when the first answer turns out to be lost', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    const first = await bench.pop(attempt);
    const again = await bench.pop(attempt);
    const entries = first.map(({ receiptHandle }) => ({ receiptHandle, messageId: '' }));
    await bench.drive(bench.broker.release({ group: 'g', topic: 't', entries }));
    await bench.sim.advance(2_000);
    expect(await bench.pop()).toEqual([]);
    expect(await bench.ack(again)).toEqual([Code.OK]);
  });

  it('is a new receive when its messages were given back before', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    const first = await bench.pop(attempt);
    const entries = first.map(({ receiptHandle }) => ({ receiptHandle, messageId: '' }));
    await bench.drive(bench.broker.release({ group: 'g', topic: 't', entries }));
    expect(await bench.pop(attempt)).toEqual([]);
    await bench.sim.advance(1_100);
    const again = await bench.pop(attempt);
    expect(again.map((message) => message.attempt)).toEqual([1]);
    expect(again[0]?.receiptHandle).not.toBe(first[0]?.receiptHandle);
  });
});
