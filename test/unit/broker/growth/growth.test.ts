import fc from 'fast-check';
import { Property } from '../../../../src/message/properties';
import { Code } from '../../../../src/message/status';
import { BrokerBench, never } from '../../../support/broker-bench';
import { orderedQueue } from '../../../support/ordered-queue';
import { idsOf, messageDraft, popRequest } from '../../../support/test-broker';

const inGroup = (group: string): Record<string, string> => ({ [Property.SHARDINGKEY]: group });

/** A FIFO topic of `queues`, and group g that has begun on it. */
async function orderedBench(queues: number, fifo = true): Promise<BrokerBench> {
  const bench = await new BrokerBench().open();
  await grow(bench, queues);
  await bench.group({ fifo, startFrom: 'beginning' });
  await bench.subscribe('g', 't');
  return bench;
}

async function grow(bench: BrokerBench, queues: number): Promise<void> {
  await bench.drive(bench.broker.putTopic({ name: 't', type: 'FIFO', queues }));
}

describe('a FIFO topic that has grown', () => {
  it.each([
    ['as it runs', async () => Promise.resolve()],
    ['after a restart', (bench: BrokerBench) => bench.restart()],
    ['after a crash', (bench: BrokerBench) => bench.kill()],
  ])('gives a new queue once the old ones are finished: %s', async (_when, between) => {
    const bench = await orderedBench(1);
    await bench.send('t', 'a1', '', 0, inGroup('a'));
    await bench.send('t', 'a2', '', 0, inGroup('a'));
    await grow(bench, 2);
    await bench.send('t', 'a3', '', 1, inGroup('a'));
    await between(bench);
    const first = await bench.pop({ invisibleMs: 60_000 });
    expect(idsOf(first)).toEqual(['a1', 'a2']);
    expect(await bench.pop()).toEqual([]);
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    await bench.ack(first.slice(0, 1));
    await bench.sim.advance(5_000);
    await bench.ack(first.slice(1));
    // It was waiting, and is told.
    expect(idsOf(await bench.drive(waiting))).toEqual(['a3']);
  });

  it('gives what goes on in an old queue without delay', async () => {
    const bench = await orderedBench(1);
    await bench.send('t', 'a1', '', 0, inGroup('a'));
    await grow(bench, 2);
    await bench.send('t', 'b1', '', 0, inGroup('b'));
    expect(idsOf(await bench.pop())).toEqual(['a1', 'b1']);
  });

  it('gives all to a group of consumers that needs no order', async () => {
    const bench = await orderedBench(1, false);
    await bench.send('t', 'a1', '', 0, inGroup('a'));
    await grow(bench, 2);
    await bench.send('t', 'a2', '', 1, inGroup('a'));
    expect(idsOf(await bench.pop()).toSorted()).toEqual(['a1', 'a2']);
  });

  it('refuses messages whose queue was chosen before, from the moment that it grows', async () => {
    const bench = await orderedBench(1);
    const send = (id: string, generation: number, queueId = 0): Promise<unknown> =>
      bench.broker.send({ queueId, generation, draft: messageDraft('t', id, '', inGroup('a')) });
    const before = send('a1', 1);
    const growing = bench.broker.putTopic({ name: 't', type: 'FIFO', queues: 2 });
    const after = send('a2', 1);
    after.catch(() => undefined);
    await bench.drive(Promise.all([before, growing]));
    await expect(after).rejects.toMatchObject({ code: Code.NOT_FOUND });
    await bench.drive(send('a2', 2, 1));
    expect(idsOf(await bench.pop())).toEqual(['a1']);
  });

  it('grows once after the other, when asked many times at once', async () => {
    const bench = await orderedBench(1);
    await Promise.all([2, 3, 4].map((queues) => grow(bench, queues)));
    const [topic] = await bench.broker.listTopics();
    expect(topic?.generations?.map(([part]) => part?.queues)).toEqual([1, 2, 3, 4]);
  });

  it('grows 63 times at most', async () => {
    const bench = await orderedBench(1);
    for (let queues = 2; queues <= 64; queues++) await grow(bench, queues);
    await expect(grow(bench, 65)).rejects.toMatchObject({ code: Code.FORBIDDEN });
    expect((await bench.broker.listTopics())[0]?.queues).toBe(64);
  });

  it('keeps the order of each message group, whatever happens around it', async () => {
    const step = fc.oneof(
      fc.record({ send: fc.nat(4) }),
      fc.constant('pop' as const),
      fc.record({ ack: fc.nat(3) }),
      fc.constantFrom('grow' as const, 'expire' as const, 'kill' as const),
    );
    const run = fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 60 }),
      async (steps) => {
        const bench = await orderedBench(1);
        const sent = [0, 0, 0, 0, 0];
        const done = [0, 0, 0, 0, 0];
        let queues = 1;
        let held: Awaited<ReturnType<BrokerBench['pop']>>[] = [];
        const pop = async (): Promise<void> => {
          const popped = await bench.pop({ maxMessages: 4 });
          const seen = new Map<number, number>();
          for (const id of idsOf(popped)) {
            const [group = 0, nth = 0] = id.split('-').map(Number);
            expect(nth).toBe(seen.get(group) ?? done[group]);
            seen.set(group, nth + 1);
          }
          if (popped.length > 0) held.push(popped);
        };
        const ack = async (at: number): Promise<void> => {
          const [popped] = held.splice(at, 1);
          if (popped === undefined) return;
          await bench.ack(popped);
          for (const id of idsOf(popped)) {
            const group = Number(id.split('-')[0]);
            done[group] = (done[group] ?? 0) + 1;
          }
        };
        for (const taken of steps) {
          if (taken === 'pop') await pop();
          else if (taken === 'grow' && queues < 6) await grow(bench, ++queues);
          else if (taken === 'kill') await bench.kill();
          else if (taken === 'expire') {
            await bench.sim.advance(10_100);
            held = [];
          } else if (typeof taken === 'object' && 'send' in taken) {
            const group = taken.send;
            const nth = sent[group] ?? 0;
            sent[group] = nth + 1;
            const queueId = orderedQueue(`group ${group}`, queues);
            await bench.send('t', `${group}-${nth}`, '', queueId, inGroup(`group ${group}`));
          } else if (typeof taken === 'object') await ack(taken.ack);
        }
        await bench.sim.advance(10_100);
        held = [];
        const all = sent.reduce((sum, count) => sum + count, 0);
        for (let i = 0; i < 2 * all; i++) {
          await pop();
          await ack(0);
        }
        expect(done).toEqual(sent);
      },
    );
    await fc.assert(run, { seed: 6, numRuns: 60 });
  });
});
