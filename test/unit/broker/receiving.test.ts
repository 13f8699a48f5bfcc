import { Code } from '../../../src/message/status';
import { BrokerBench, handleOf, never, readyBench } from '../../support/broker-bench';
import { idsOf, popRequest } from '../../support/test-broker';

describe('a new group', () => {
  it('starts at the end as of its first subscription, also when it receives much later', async () => {
    const bench = await new BrokerBench().open();
    await bench.topic('t');
    await bench.send('t', 'before');
    await bench.subscribe('g', 't');
    await bench.send('t', 'after');
    await bench.restart();
    expect(idsOf(await bench.pop())).toEqual(['after']);
  });

  it('starts at the beginning when it was created so', async () => {
    const bench = await new BrokerBench().open();
    await bench.topic('t');
    await bench.send('t', 'before');
    await bench.drive(
      bench.broker.putGroup({
        name: 'g',
        fifo: false,
        maxAttempts: 3,
        backoff: { kind: 'customized', nextMs: [1000] },
        startFrom: 'beginning',
      }),
    );
    expect(idsOf(await bench.pop())).toEqual(['before']);
  });

  it('is refused when groups are not made by themselves', async () => {
    const bench = await new BrokerBench({ settings: { autoCreateGroups: false } }).open();
    await bench.topic('t');
    await expect(bench.pop()).rejects.toMatchObject({ code: Code.CONSUMER_GROUP_NOT_FOUND });
  });

  it('sees all messages of queues that the topic gains later', async () => {
    const bench = await readyBench();
    await bench.topic('t', 2);
    await bench.send('t', 'new queue', '', 1);
    expect(idsOf(await bench.pop())).toEqual(['new queue']);
  });
});

describe('a received message', () => {
  it('does not come again once acknowledged, nor after a restart', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    expect(await bench.ack(await bench.pop())).toEqual([Code.OK]);
    await bench.sim.advance(60_000);
    expect(await bench.pop()).toEqual([]);
    await bench.restart();
    expect(await bench.pop()).toEqual([]);
  });

  it('comes again in its place after the invisible duration, one attempt later, with a new handle', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm1');
    const first = await bench.pop();
    expect(first[0]?.attempt).toBe(1);
    await bench.send('t', 'm2');
    await bench.sim.advance(9_990);
    expect(idsOf(await bench.pop())).toEqual(['m2']);
    await bench.sim.advance(30);
    const second = await bench.pop();
    expect(idsOf(second)).toEqual(['m1']);
    expect(second[0]?.attempt).toBe(2);
    expect(await bench.ack(first)).toEqual([Code.INVALID_RECEIPT_HANDLE]);
    expect(await bench.ack(second)).toEqual([Code.OK]);
  });

  it('may be acknowledged after its time as long as nobody received it again', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    const popped = await bench.pop();
    await bench.sim.advance(20_000);
    expect(await bench.ack(popped)).toEqual([Code.OK]);
    expect(await bench.pop()).toEqual([]);
  });

  it('may be acknowledged twice', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    const popped = await bench.pop();
    expect(await bench.ack(popped)).toEqual([Code.OK]);
    expect(await bench.ack(popped)).toEqual([Code.OK]);
  });

  it('keeps its holder, its attempt and its deadline through a restart', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm1');
    await bench.send('t', 'm2');
    const popped = await bench.pop();
    await bench.sim.advance(4_000);
    await bench.restart();
    expect(await bench.pop()).toEqual([]);
    expect(await bench.ack(popped.slice(0, 1))).toEqual([Code.OK]);
    await bench.sim.advance(6_100);
    const again = await bench.pop();
    expect(idsOf(again)).toEqual(['m2']);
    expect(again[0]?.attempt).toBe(2);
  });

  it('is refused to an acknowledgement by another group, and to a forged handle', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    const entry = handleOf(await bench.pop());
    const [other] = await bench.drive(
      bench.broker.ack({ group: 'other', topic: 't', entries: [entry] }),
    );
    expect(other).toMatchObject({ code: Code.INVALID_RECEIPT_HANDLE });
    const forged = { ...entry, receiptHandle: `${entry.receiptHandle.slice(0, -4)}AAAA` };
    const [status] = await bench.drive(
      bench.broker.ack({ group: 'g', topic: 't', entries: [forged] }),
    );
    expect(status).toMatchObject({ code: Code.INVALID_RECEIPT_HANDLE });
    await bench.sim.advance(11_000);
    expect(idsOf(await bench.pop())).toEqual(['m']);
  });
});

describe('a changed invisible duration', () => {
  it('holds, voids the old handle and answers one that works', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    const popped = await bench.pop();
    const change = { group: 'g', topic: 't', ...handleOf(popped), suspend: false };
    const receiptHandle = await bench.drive(
      bench.broker.changeInvisible({ ...change, invisibleMs: 30_000 }),
    );
    expect(await bench.ack(popped)).toEqual([Code.INVALID_RECEIPT_HANDLE]);
    await bench.sim.advance(29_000);
    expect(await bench.pop()).toEqual([]);
    await bench.sim.advance(1_100);
    const again = await bench.pop();
    expect(again[0]?.attempt).toBe(2);
    const stale = bench.broker.changeInvisible({ ...change, receiptHandle, invisibleMs: 1_000 });
    await expect(bench.drive(stale)).rejects.toMatchObject({ code: Code.INVALID_RECEIPT_HANDLE });
  });

  it('of zero makes the message visible at once; suspended, without counting the attempt', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    const entry = handleOf(await bench.pop());
    await bench.drive(
      bench.broker.changeInvisible({
        group: 'g',
        topic: 't',
        ...entry,
        invisibleMs: 0,
        suspend: true,
      }),
    );
    await bench.sim.advance(20);
    expect((await bench.pop())[0]?.attempt).toBe(1);
  });
});

describe('a delivery that was suspended', () => {
  it.each([['nothing'], ['restart'], ['kill']] as const)(
    'is taken off the attempts once, also when it is suspended again and given back after %s',
    async (how) => {
      const bench = await readyBench();
      await bench.send('t', 'm');
      await bench.pop();
      await bench.sim.advance(10_100);
      await bench.pop();
      await bench.sim.advance(10_100);
      let { receiptHandle } = handleOf(await bench.pop());
      for (let i = 0; i < 2; i++) {
        const names = { group: 'g', topic: 't', messageId: '', receiptHandle };
        receiptHandle = await bench.drive(
          bench.broker.changeInvisible({ ...names, invisibleMs: 60_000, suspend: true }),
        );
        if (how !== 'nothing') await bench[how]();
      }
      await bench.drive(bench.broker.clientGone('client-1'));
      await bench.sim.advance(1_100);
      expect((await bench.pop())[0]?.attempt).toBe(3);
    },
  );
});

describe('a tag filter', () => {
  it('gives the wanted messages, and finishes the others for the group', async () => {
    const bench = await readyBench();
    for (const [id, tag] of [
      ['1', 'A'],
      ['2', 'B'],
      ['3', ''],
      ['4', 'C'],
    ] as const) {
      await bench.send('t', id, tag);
    }
    const filter = { type: 'TAG' as const, expression: 'A || C' };
    expect(idsOf(await bench.pop({ filter }))).toEqual(['1', '4']);
    expect(await bench.pop()).toEqual([]);
  });

  it('compares tags, not their hashes', async () => {
    const bench = await readyBench();
    await bench.send('t', 'collides', 'BB');
    await bench.send('t', 'wanted', 'Aa');
    const filter = { type: 'TAG' as const, expression: 'Aa' };
    expect(idsOf(await bench.pop({ filter }))).toEqual(['wanted']);
    await bench.sim.advance(60_000);
    expect(idsOf(await bench.pop())).toEqual(['wanted']);
  });
});

describe('a client that goes away', () => {
  it('gives back what it holds after a second, the attempt not counted', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    await bench.pop({ clientId: 'leaver', invisibleMs: 600_000 });
    await bench.drive(bench.broker.clientGone('leaver'));
    await bench.sim.advance(1_020);
    expect((await bench.pop())[0]?.attempt).toBe(1);
  });

  it('keeps an automatically renewed lease while it is heard from, and loses it soon after', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    await bench.pop({ clientId: 'pusher', autoRenew: true, invisibleMs: 60_000 });
    for (let i = 0; i < 20; i++) {
      await bench.sim.advance(10_000);
      await bench.drive(bench.broker.clientSeen('pusher'));
    }
    expect(await bench.pop()).toEqual([]);
    await bench.sim.advance(105_100);
    expect((await bench.pop())[0]?.attempt).toBe(2);
  });
});

describe('a client that says goodbye', () => {
  it('ends a receive of the very same turn, which takes nothing', async () => {
    const bench = await readyBench();
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    const gone = bench.broker.clientGone('client-1');
    expect(await bench.drive(waiting)).toEqual([]);
    await bench.drive(gone);
    await bench.send('t', 'm');
    const [message] = await bench.pop({ clientId: 'client-2' });
    expect(message?.attempt).toBe(1);
  });

  it('ends a receive that is the first of its group', async () => {
    const bench = await readyBench();
    const waiting = bench.broker.pop(popRequest('new', 't', { pollMs: 20_000 }), never);
    await bench.drive(bench.broker.clientGone('client-1'));
    expect(await bench.drive(waiting)).toEqual([]);
  });

  it('gives back what a receive of the same turn has chosen', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    const taking = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    await bench.drive(bench.broker.clientGone('client-1'));
    expect(await bench.drive(taking)).toEqual([]);
    await bench.sim.advance(1100);
    const [message] = await bench.pop({ clientId: 'client-2' });
    expect(message?.attempt).toBe(1);
  });

  it('leaves the receives of others alone', async () => {
    const bench = await readyBench();
    const other = popRequest('g', 't', { pollMs: 20_000, clientId: 'client-2' });
    const waiting = bench.broker.pop(other, never);
    await bench.drive(bench.broker.clientGone('client-1'));
    await bench.send('t', 'm');
    expect(idsOf(await bench.drive(waiting))).toEqual(['m']);
  });
});
