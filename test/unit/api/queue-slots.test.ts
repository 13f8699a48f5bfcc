import fc from 'fast-check';
import { QueueSlots, type QueuePlace } from '../../../src/api/queue-slots';
import type { TopicGeneration } from '../../../src/api/topic';
import { mostQueues, queuesIn } from '../../../src/api/topic-generations';
import { jumpHash } from '../../../src/message/jump-hash';

function generation(parts: Readonly<Record<string, number>>): TopicGeneration {
  return Object.entries(parts).map(([brokerName, queues]) => ({ brokerName, queues }));
}

function placesIn(slots: QueueSlots, nth: number): string[] {
  return Array.from({ length: slots.count(nth) }, (_, slot) => {
    const { brokerName, queueId } = slots.at(slot, nth);
    return `${brokerName}/${queueId}`;
  });
}

describe('the places of a topic’s queues', () => {
  it('are taken over by new queues where a broker is left out, and stay otherwise', () => {
    const generations = [{ a: 2 }, { a: 3, b: 2 }, { b: 5 }, { a: 4, b: 5 }].map(generation);
    const slots = new QueueSlots(generations);
    expect(slots.fault).toBeUndefined();
    expect(placesIn(slots, 1)).toEqual(['a/0', 'a/1']);
    expect(placesIn(slots, 2)).toEqual(['a/0', 'a/1', 'a/2', 'b/0', 'b/1']);
    expect(placesIn(slots, 3)).toEqual(['b/2', 'b/3', 'b/4', 'b/0', 'b/1']);
    // One that comes back has new queues beside its old ones.
    expect(placesIn(slots, 4)).toEqual(['b/2', 'b/3', 'b/4', 'b/0', 'b/1', 'a/3']);
    expect([slots.of('a'), slots.of('b'), slots.of('c')]).toEqual([1, 5, 0]);
  });

  it('tell of a broker with fewer queues, and of places that nobody takes over', () => {
    const faultOf = (...parts: Record<string, number>[]): unknown =>
      new QueueSlots(parts.map(generation)).fault;
    expect(faultOf({ a: 2 }, { a: 1, b: 3 })).toEqual({
      ...{ kind: 'fewer', brokerName: 'a', had: 2, queues: 1 },
    });
    expect(faultOf({ a: 2, b: 1 }, { b: 2 })).toEqual({ kind: 'vacant', slots: 1 });
    expect(faultOf({ a: 2, b: 1 }, { b: 3 }, { a: 1, b: 3 })).toMatchObject({ kind: 'fewer' });
    expect(faultOf({ a: 2, b: 1 }, { b: 3 }, { a: 3, b: 3 })).toBeUndefined();
  });

  it('move a message group only into a queue that is new', () => {
    const counts = fc.record({ a: fc.nat(3), b: fc.nat(3), c: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(counts, { minLength: 2, maxLength: 8 }), (adds) => {
        const generations = generationsOf(adds);
        const slots = new QueueSlots(generations);
        fc.pre(slots.fault === undefined);
        for (let nth = 2; nth <= generations.length; nth++) {
          for (let hash = 0; hash < 200; hash++) {
            const place = (at: number): QueuePlace => slots.at(jumpHash(hash, slots.count(at)), at);
            const [before, after] = [place(nth - 1), place(nth)];
            if (before.brokerName === after.brokerName && before.queueId === after.queueId)
              continue;
            const had = mostQueues(generations.slice(0, nth - 1), after.brokerName);
            expect(after.queueId).toBeGreaterThanOrEqual(had);
            expect(after.queueId).toBeLessThan(queuesIn(generations[nth - 1], after.brokerName));
          }
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

/** 0 leaves a broker out; else it has so many more than ever, less one. */
function generationsOf(adds: readonly Readonly<Record<string, number>>[]): TopicGeneration[] {
  const generations: TopicGeneration[] = [];
  for (const add of adds) {
    const parts = Object.entries(add)
      .map(([brokerName, more]) => {
        const queues = more === 0 ? 0 : mostQueues(generations, brokerName) + more - 1;
        return { brokerName, queues };
      })
      .filter(({ queues }) => queues > 0);
    if (parts.length > 0) generations.push(parts);
  }
  return generations;
}
