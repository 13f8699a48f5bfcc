import { Property } from '../../../src/message/properties';
import { readRecord, recordProperties } from '../../../src/message/record';
import { Code } from '../../../src/message/status';
import type { PopResult } from '../../../src/api/broker-api';
import { BrokerBench, handleOf } from '../../support/broker-bench';
import { idsOf } from '../../support/test-broker';

const names = { group: 'g', topic: 't' };
const DLQ = '%DLQ%g';

async function deadLetterBench(maxAttempts: number, fifo = false): Promise<BrokerBench> {
  const bench = await new BrokerBench().open();
  await bench.topic('t');
  await bench.group({
    maxAttempts,
    fifo,
    backoff: { kind: 'customized', nextMs: [3000, 7000] },
    startFrom: 'beginning',
  });
  await bench.subscribe('g', 't');
  return bench;
}

/** All dead letters, read by another group from the beginning. */
async function deadLetters(bench: BrokerBench): Promise<PopResult> {
  const reader = { name: 'reader', startFrom: 'beginning' as const };
  await bench.group(reader);
  return bench.pop({ group: 'reader', topic: DLQ });
}

async function forward(bench: BrokerBench, popped: PopResult): Promise<void> {
  await bench.drive(bench.broker.forwardToDeadLetterQueue({ ...names, ...handleOf(popped) }));
}

describe('a message whose last attempt is over', () => {
  it('goes to the dead letter queue as it was, with where it came from', async () => {
    const bench = await deadLetterBench(2);
    await bench.send('t', 'm', 'red', 0, { colour: 'blue' });
    for (const attempt of [1, 2]) {
      const popped = await bench.pop();
      expect(popped.map((message) => message.attempt)).toEqual([attempt]);
      await bench.sim.advance(10_100);
    }
    expect(await bench.pop()).toEqual([]);
    const letters = await deadLetters(bench);
    expect(idsOf(letters)).toEqual(['m']);
    const record = readRecord(letters[0]?.record ?? Buffer.alloc(0), 0);
    expect(record).toMatchObject({ topic: DLQ, reconsumeTimes: 2 });
    expect(Object.fromEntries(recordProperties(record))).toMatchObject({
      [Property.UNIQ_KEY]: 'm',
      [Property.TAGS]: 'red',
      colour: 'blue',
      [Property.DLQ_ORIGIN_TOPIC]: 't',
      [Property.DLQ_ORIGIN_MESSAGE_ID]: 'm',
    });
    expect((await bench.drive(bench.broker.listTopics())).map(({ name }) => name)).toContain(DLQ);
  });

  it.each([['restart'], ['kill']] as const)(
    'is there once, and the original is gone, after a %s',
    async (how) => {
      const bench = await deadLetterBench(1);
      await bench.send('t', 'm');
      await bench.pop();
      await bench.sim.advance(10_100);
      await bench[how]();
      await bench.sim.advance(60_000);
      expect(await bench.pop()).toEqual([]);
      expect(idsOf(await deadLetters(bench))).toEqual(['m']);
      await bench[how]();
      await bench.sim.advance(60_000);
      expect(await bench.pop()).toEqual([]);
    },
  );

  it('is not there when it was acknowledged in its last attempt', async () => {
    const bench = await deadLetterBench(1);
    await bench.send('t', 'm');
    const popped = await bench.pop();
    await bench.sim.advance(9_000);
    expect(await bench.ack(popped)).toEqual([Code.OK]);
    await bench.sim.advance(60_000);
    expect((await bench.drive(bench.broker.listTopics())).map(({ name }) => name)).toEqual(['t']);
  });

  it('lets its message group go on', async () => {
    const bench = await deadLetterBench(1, true);
    const inA = { [Property.SHARDINGKEY]: 'a' };
    for (const id of ['a1', 'a2']) await bench.send('t', id, '', 0, inA);
    expect(idsOf(await bench.pop({ maxMessages: 1 }))).toEqual(['a1']);
    await bench.sim.advance(10_100);
    expect(idsOf(await bench.pop())).toEqual(['a2']);
    expect(idsOf(await deadLetters(bench))).toEqual(['a1']);
  });

  it('lets its message group go on when more of it has been looked at', async () => {
    const bench = await deadLetterBench(1, true);
    const inA = { [Property.SHARDINGKEY]: 'a' };
    for (const id of ['a1', 'a2', 'a3']) await bench.send('t', id, '', 0, inA);
    expect(idsOf(await bench.pop({ maxMessages: 1 }))).toEqual(['a1']);
    expect(await bench.pop()).toEqual([]);
    await bench.sim.advance(10_100);
    expect(idsOf(await bench.pop())).toEqual(['a2', 'a3']);
  });

  it('goes there too when the maximum was lowered while it was ready', async () => {
    const bench = await deadLetterBench(5);
    await bench.send('t', 'm');
    await bench.pop();
    await bench.sim.advance(10_100);
    await bench.group({ maxAttempts: 1 });
    expect(await bench.pop()).toEqual([]);
    expect(idsOf(await deadLetters(bench))).toEqual(['m']);
  });

  it('keeps its first origin when it dies in the dead letter queue as well', async () => {
    const bench = await deadLetterBench(1);
    await bench.send('t', 'm');
    await bench.pop();
    await bench.sim.advance(10_100);
    await bench.group({ name: 'h', maxAttempts: 1, startFrom: 'beginning' });
    expect(idsOf(await bench.pop({ group: 'h', topic: DLQ }))).toEqual(['m']);
    await bench.sim.advance(10_100);
    const [twice] = await bench.pop({ group: 'h', topic: DLQ });
    expect(twice).toBeUndefined();
    await bench.group({ name: 'reader', startFrom: 'beginning' });
    const [letter] = await bench.pop({ group: 'reader', topic: '%DLQ%h' });
    const properties = recordProperties(readRecord(letter?.record ?? Buffer.alloc(0), 0));
    expect(properties.get(Property.DLQ_ORIGIN_TOPIC)).toBe('t');
  });
});

describe('forwarding to the dead letter queue', () => {
  it('moves the message at once, and again says OK', async () => {
    const bench = await deadLetterBench(16);
    await bench.send('t', 'm');
    const popped = await bench.pop();
    await forward(bench, popped);
    await forward(bench, popped);
    expect(idsOf(await deadLetters(bench))).toEqual(['m']);
    await bench.kill();
    await forward(bench, popped);
    await bench.sim.advance(60_000);
    expect(await bench.pop()).toEqual([]);
    expect(await bench.pop({ group: 'reader', topic: DLQ })).toHaveLength(1);
  });

  it('voids the handle for everything else', async () => {
    const bench = await deadLetterBench(16);
    await bench.send('t', 'm');
    const popped = await bench.pop();
    await forward(bench, popped);
    expect(await bench.ack(popped)).toEqual([Code.INVALID_RECEIPT_HANDLE]);
    const change = { ...names, ...handleOf(popped), invisibleMs: 1000, suspend: false };
    await expect(bench.drive(bench.broker.changeInvisible(change))).rejects.toMatchObject({
      code: Code.INVALID_RECEIPT_HANDLE,
    });
  });

  it.each([['restart'], ['kill']] as const)(
    'still voids the handle, and again says OK, after a %s and another start',
    async (how) => {
      const bench = await deadLetterBench(1);
      for (const id of ['m1', 'm2']) await bench.send('t', id);
      const forwarded = await bench.pop({ maxMessages: 1 });
      await forward(bench, forwarded);
      const exhausted = await bench.pop();
      await bench.sim.advance(10_100);
      for (const next of [how, 'restart'] as const) {
        await bench[next]();
        for (const popped of [forwarded, exhausted]) {
          expect(await bench.ack(popped)).toEqual([Code.INVALID_RECEIPT_HANDLE]);
          await forward(bench, popped);
        }
      }
      expect(idsOf(await deadLetters(bench))).toEqual(['m1', 'm2']);
    },
  );

  it('does not take messages of a topic made anew for those of the old one', async () => {
    const bench = await deadLetterBench(16);
    await bench.send('t', 'old');
    await forward(bench, await bench.pop());
    await bench.drive(bench.broker.deleteTopic('t'));
    await bench.topic('t');
    await bench.subscribe('g', 't');
    for (const id of ['m1', 'm2']) await bench.send('t', id);
    const acked = await bench.pop({ maxMessages: 1 });
    expect(await bench.ack(acked)).toEqual([Code.OK]);
    expect(await bench.ack(acked)).toEqual([Code.OK]);
    const moved = await bench.pop();
    await bench.restart();
    expect(await bench.ack(acked)).toEqual([Code.OK]);
    await forward(bench, moved);
    expect(idsOf(await deadLetters(bench))).toEqual(['old', 'm2']);
  });

  it('refuses the handle of a message that was acknowledged, delivered again or never there', async () => {
    const bench = await deadLetterBench(16);
    for (const id of ['m1', 'm2']) await bench.send('t', id);
    const acked = await bench.pop({ maxMessages: 1 });
    await bench.ack(acked);
    const old = await bench.pop();
    await bench.sim.advance(10_100);
    await bench.pop();
    for (const popped of [acked, old]) {
      await expect(forward(bench, popped)).rejects.toMatchObject({
        code: Code.INVALID_RECEIPT_HANDLE,
      });
    }
    const foreign = { ...names, receiptHandle: 'broker-a~AAAA', messageId: '' };
    await expect(bench.drive(bench.broker.forwardToDeadLetterQueue(foreign))).rejects.toMatchObject(
      { code: Code.INVALID_RECEIPT_HANDLE },
    );
    expect((await bench.drive(bench.broker.listTopics())).map(({ name }) => name)).toEqual(['t']);
  });
});

describe('a push consumer that sets an invisible duration of 0', () => {
  it('gets the message again after what the backoff of the group says', async () => {
    const bench = await deadLetterBench(16);
    await bench.send('t', 'm');
    for (const waitMs of [3000, 7000, 7000]) {
      const popped = await bench.pop({ autoRenew: true, invisibleMs: 60_000 });
      expect(idsOf(popped)).toEqual(['m']);
      const change = { ...names, ...handleOf(popped), invisibleMs: 0, suspend: false };
      await bench.drive(bench.broker.changeInvisible(change));
      await bench.sim.advance(waitMs - 100);
      expect(await bench.pop()).toEqual([]);
      await bench.sim.advance(200);
    }
  });

  it('means what it says for a simple consumer', async () => {
    const bench = await deadLetterBench(16);
    await bench.send('t', 'm');
    const change = { ...names, ...handleOf(await bench.pop()), invisibleMs: 0, suspend: false };
    await bench.drive(bench.broker.changeInvisible(change));
    await bench.sim.advance(100);
    expect(idsOf(await bench.pop())).toEqual(['m']);
  });
});
