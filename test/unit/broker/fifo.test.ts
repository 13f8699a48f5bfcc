import { Property } from '../../../src/message/properties';
import { Code } from '../../../src/message/status';
import { BrokerBench, handleOf, never } from '../../support/broker-bench';
import { idsOf, popRequest, type TestBrokerOptions } from '../../support/test-broker';

/** A broker with FIFO topic `t` of one queue and FIFO group `g`. */
async function fifoBench(options: TestBrokerOptions = {}): Promise<BrokerBench> {
  const bench = await new BrokerBench(options).open();
  await bench.topic('t');
  await bench.group({ fifo: true });
  await bench.subscribe('g', 't');
  return bench;
}

/** Sends messages whose ids begin with the letter of their message group. */
async function sendAll(bench: BrokerBench, ...ids: string[]): Promise<void> {
  for (const id of ids)
    await bench.send('t', id, '', 0, { [Property.SHARDINGKEY]: id.slice(0, 1) });
}

describe('a FIFO group of consumers', () => {
  it('receives the messages of one message group in order, several at once', async () => {
    const bench = await fifoBench();
    await sendAll(bench, 'a1', 'a2', 'a3');
    expect(idsOf(await bench.pop({ maxMessages: 2 }))).toEqual(['a1', 'a2']);
    expect(await bench.pop()).toEqual([]);
  });

  it('holds back only the message group that has an unfinished message', async () => {
    const bench = await fifoBench();
    await sendAll(bench, 'a1', 'a2', 'b1', 'a3', 'c1', 'b2');
    const a = await bench.pop({ maxMessages: 1 });
    expect(idsOf(a)).toEqual(['a1']);
    const b = await bench.pop({ maxMessages: 1 });
    expect(idsOf(b)).toEqual(['b1']);
    expect(idsOf(await bench.pop())).toEqual(['c1']);
    expect(await bench.pop()).toEqual([]);
    await bench.ack(b);
    expect(idsOf(await bench.pop())).toEqual(['b2']);
    await bench.ack(a);
    expect(idsOf(await bench.pop())).toEqual(['a2', 'a3']);
  });

  it('receives messages without a message group without order among them', async () => {
    const bench = await fifoBench();
    await bench.send('t', 'x1');
    await bench.send('t', 'x2');
    expect(idsOf(await bench.pop({ maxMessages: 1 }))).toEqual(['x1']);
    expect(idsOf(await bench.pop())).toEqual(['x2']);
  });

  it('receives an unacknowledged message again before what follows it in its group', async () => {
    const bench = await fifoBench();
    await sendAll(bench, 'a1', 'a2', 'a3', 'b1');
    const first = await bench.pop({ maxMessages: 2 });
    await bench.ack(first.slice(1));
    await bench.sim.advance(9_000);
    expect(idsOf(await bench.pop())).toEqual(['b1']);
    await bench.sim.advance(1_100);
    const second = await bench.pop();
    expect(idsOf(second)).toEqual(['a1', 'a3']);
    expect(second.map(({ attempt }) => attempt)).toEqual([2, 1]);
    expect(await bench.ack(first.slice(0, 1))).toEqual([Code.INVALID_RECEIPT_HANDLE]);
  });

  it('waits until nothing of a message group is held before it comes again', async () => {
    const bench = await fifoBench();
    await sendAll(bench, 'a1', 'a2');
    const popped = await bench.pop();
    await bench.drive(
      bench.broker.changeInvisible({
        ...{ group: 'g', topic: 't', ...handleOf(popped) },
        ...{ invisibleMs: 1000, suspend: false },
      }),
    );
    await bench.sim.advance(5000);
    expect(await bench.pop()).toEqual([]);
    await bench.sim.advance(5100);
    expect(idsOf(await bench.pop())).toEqual(['a1', 'a2']);
  });

  it('wakes a waiting receive when an acknowledgement frees a message group', async () => {
    const bench = await fifoBench();
    await sendAll(bench, 'a1');
    const first = await bench.pop();
    await sendAll(bench, 'a2');
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    await bench.sim.advance(1000);
    await bench.ack(first);
    expect(idsOf(await bench.drive(waiting))).toEqual(['a2']);
  });

  it('keeps order, progress and attempts over a restart and over a kill', async () => {
    for (const kill of [false, true]) {
      const bench = await fifoBench();
      await sendAll(bench, 'a1', 'a2', 'b1', 'b2', 'a3', 'c1');
      const a = await bench.pop({ maxMessages: 1 });
      const b = await bench.pop({ maxMessages: 1 });
      await (kill ? bench.kill() : bench.restart());
      expect(idsOf(await bench.pop())).toEqual(['c1']);
      expect(await bench.ack(a)).toEqual([Code.OK]);
      expect(idsOf(await bench.pop())).toEqual(['a2', 'a3']);
      await bench.sim.advance(10_100);
      expect(await bench.ack(b)).toEqual([Code.OK]);
      const again = await bench.pop();
      expect(idsOf(again)).toEqual(['a2', 'a3', 'b2', 'c1']);
      expect(again.map(({ attempt }) => attempt)).toEqual([2, 2, 1, 2]);
    }
  });

  it('keeps message groups apart in queues read from files', async () => {
    const bench = await fifoBench();
    const ids = Array.from({ length: 300 }, (_, i) => `${'abc'.charAt(i % 3)}${i}`);
    await sendAll(bench, ...ids);
    await bench.restart();
    const seen: string[] = [];
    for (let i = 0; i < 300 && seen.length < 300; i++) {
      const popped = await bench.pop({ maxMessages: 7 });
      seen.push(...idsOf(popped));
      await bench.ack(popped);
    }
    for (const letter of 'abc') {
      const of = (list: readonly string[]): string[] => list.filter((id) => id.startsWith(letter));
      expect(of(seen)).toEqual(of(ids));
    }
  });

  it('receives from several queues that must be read from files first', async () => {
    const bench = await new BrokerBench().open();
    await bench.topic('t', 4);
    await bench.group({ fifo: true });
    await bench.subscribe('g', 't');
    const groups = ['a', 'b', 'c', 'd'];
    for (const [queueId, letter] of groups.entries()) {
      await bench.send('t', letter, '', queueId, { [Property.SHARDINGKEY]: letter });
    }
    await bench.restart();
    const seen: string[] = [];
    for (let i = 0; i < groups.length; i++) seen.push(...idsOf(await bench.pop()));
    expect(seen.toSorted()).toEqual(groups);
  });

  it('looks past blocked message groups only so far, and goes on when they move', async () => {
    const bench = await fifoBench({ settings: { maxFifoLookAhead: 3 } });
    await sendAll(bench, 'a1', 'a2', 'a3', 'a4', 'b1');
    const first = await bench.pop({ maxMessages: 1 });
    expect(await bench.pop()).toEqual([]);
    await bench.ack(first);
    expect(idsOf(await bench.pop({ maxMessages: 2 }))).toEqual(['a2', 'a3']);
    expect(idsOf(await bench.pop())).toEqual(['b1']);
  });

  it('passes over messages that its filter does not want', async () => {
    const bench = await fifoBench();
    const inA = { [Property.SHARDINGKEY]: 'a' };
    await bench.send('t', 'a1', 'red', 0, inA);
    await bench.send('t', 'a2', 'blue', 0, inA);
    await bench.send('t', 'a3', 'red', 0, inA);
    const filter = { type: 'TAG', expression: 'red' } as const;
    expect(idsOf(await bench.pop({ filter }))).toEqual(['a1', 'a3']);
  });

  it('loses no order when its order flag is set while messages are out', async () => {
    const bench = await fifoBench();
    await sendAll(bench, 'a1', 'a2', 'a3');
    await bench.pop({ maxMessages: 1 });
    await bench.group({ fifo: false });
    await sendAll(bench, 'a4');
    expect(idsOf(await bench.pop())).toEqual(['a2', 'a3', 'a4']);
    await bench.sim.advance(10_100);
    expect(idsOf(await bench.pop())).toContain('a1');
  });
});
