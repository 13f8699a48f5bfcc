import type { PopResult } from '../../../src/api/broker-api';
import type { LinkLimits } from '../../../src/link/link-limits';
import { Code } from '../../../src/message/status';
import { follow } from '../../support/follow';
import { MemoryLink } from '../../support/memory-link';
import { HIGH_WATER } from '../../support/memory-stream';
import { groupConfig, ModelBroker } from '../../support/model-broker';
import { SimClock } from '../../support/sim-clock';
import { messageDraft, popRequest } from '../../support/test-broker';

const never = (): AbortSignal => new AbortController().signal;

describe('the bounds of a link', () => {
  let sim: SimClock;
  let broker: ModelBroker;

  beforeEach(() => {
    sim = new SimClock();
    broker = new ModelBroker('a', () => undefined);
    broker.topics.set('t', { name: 't', type: 'NORMAL', queues: 8 });
    broker.groups.set('g', groupConfig('g'));
  });

  const up = async (limits: Partial<LinkLimits>): Promise<MemoryLink> => {
    const memory = new MemoryLink(sim, broker, limits);
    await sim.settle();
    return memory;
  };
  const send = (memory: MemoryLink, id: string): ReturnType<typeof follow> =>
    follow(memory.link.send({ queueId: 0, draft: messageDraft('t', id) }));

  it('answers TOO_MANY_REQUESTS beyond the calls and the receives of a link', async () => {
    const memory = await up({ callsMax: 2, pollsMax: 3 });
    broker.sendGate = new Promise(() => undefined);
    const sends = ['a', 'b', 'c'].map((id) => send(memory, id));
    const request = popRequest('g', 't', { pollMs: 20_000 });
    const pops = [1, 2, 3, 4].map(() => follow(memory.link.pop(request, never())));
    await sim.settle();
    expect(sends.map(({ done }) => done)).toEqual([false, false, true]);
    expect(sends[2]?.error).toMatchObject({
      code: Code.TOO_MANY_REQUESTS,
      message: '2 calls are under way to broker a/0 at there:1, the limit is 2',
    });
    expect(pops.map(({ done }) => done)).toEqual([false, false, false, true]);
    expect(pops[3]?.error).toMatchObject({ code: Code.TOO_MANY_REQUESTS });
  });

  it('refuses calls when the broker does not take what is sent', async () => {
    const memory = await up({ queuedBytesMax: 10_000 });
    memory.stream.server.stall(true);
    const sends: ReturnType<typeof follow>[] = [];
    for (let turn = 0; turn < HIGH_WATER; turn++) {
      sends.push(send(memory, `m${turn}`));
      await sim.settle();
    }
    for (let i = 0; i < 1_000; i++) sends.push(send(memory, `n${i}`));
    await sim.settle();
    const refused = sends.filter(({ error }) => error !== undefined);
    expect(refused.length).toBeGreaterThan(900);
    expect(refused[0]?.error).toMatchObject({ code: Code.TOO_MANY_REQUESTS });
    expect(String((refused[0]?.error as Error).message)).toMatch(
      /^\d+ bytes wait to be sent to broker a\/0 at there:1, the limit is 10000$/,
    );
    memory.stream.server.stall(false);
    await sim.settle();
    expect(sends.filter(({ value }) => value !== undefined).length + refused.length).toBe(
      sends.length,
    );
  });

  it('reads no more requests while its answers are not taken, and goes on afterwards', async () => {
    const memory = await up({ queuedBytesMax: 20_000 });
    for (let i = 0; i < 40; i++) broker.put('t', Buffer.alloc(2_000, i));
    memory.stream.client.stall(true);
    const pops: ReturnType<typeof follow<PopResult>>[] = [];
    for (let i = 0; i < 60; i++) {
      const request = popRequest('g', 't', { maxMessages: 1, pollMs: 2_000 });
      pops.push(follow(memory.link.pop(request, never())));
      await sim.settle();
    }
    expect(memory.stream.server.isPaused).toBe(true);
    expect(broker.pops.length).toBeLessThan(60);
    memory.stream.client.stall(false);
    await sim.settle();
    expect(memory.stream.server.isPaused).toBe(false);
    expect(pops.filter(({ value }) => value?.length === 1)).toHaveLength(40);
  });
});
