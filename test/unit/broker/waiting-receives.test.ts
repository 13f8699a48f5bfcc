import { Code, StatusError } from '../../../src/message/status';
import { never, readyBench } from '../../support/broker-bench';
import { idsOf, popRequest } from '../../support/test-broker';

describe('a waiting receive', () => {
  it('is woken by an arrival', async () => {
    const bench = await readyBench();
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    await bench.sim.advance(1_000);
    await bench.send('t', 'm');
    expect(idsOf(await bench.drive(waiting))).toEqual(['m']);
  });

  it('is woken by the end of an invisible duration', async () => {
    const bench = await readyBench();
    await bench.send('t', 'm');
    await bench.pop();
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    await bench.sim.advance(10_050);
    expect((await bench.drive(waiting))[0]?.attempt).toBe(2);
  });

  it('ends when its time is over, not before', async () => {
    const bench = await readyBench();
    let ended = false;
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 5_000 }), never);
    void waiting.finally(() => {
      ended = true;
    });
    await bench.sim.advance(4_990);
    expect(ended).toBe(false);
    await bench.sim.advance(20);
    expect(await bench.drive(waiting)).toEqual([]);
  });

  it('takes nothing when its caller has gone away', async () => {
    const bench = await readyBench();
    const caller = new AbortController();
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), caller.signal);
    await bench.sim.advance(10);
    caller.abort();
    expect(await bench.drive(waiting)).toEqual([]);
    await bench.send('t', 'm');
    expect((await bench.pop())[0]?.attempt).toBe(1);
  });

  it('is served before those that came later, each message once', async () => {
    const bench = await readyBench();
    const polls = ['a', 'b', 'c'].map((clientId) =>
      bench.broker.pop(popRequest('g', 't', { clientId, pollMs: 20_000, maxMessages: 1 }), never),
    );
    await bench.sim.settle();
    for (const id of ['m1', 'm2', 'm3']) await bench.send('t', id);
    const got = await bench.drive(Promise.all(polls));
    expect(got.map(idsOf)).toEqual([['m1'], ['m2'], ['m3']]);
  });

  it('is refused beyond the bound', async () => {
    const bench = await readyBench({ settings: { maxPollsPerLedger: 1 } });
    void bench.broker.pop(popRequest('g', 't', { pollMs: 1_000 }), never);
    await bench.sim.settle();
    const refused = bench.broker.pop(popRequest('g', 't', { pollMs: 1_000 }), never);
    const error: unknown = await bench.drive(refused.catch((reason: unknown) => reason));
    expect(error).toBeInstanceOf(StatusError);
    expect(error).toMatchObject({ code: Code.TOO_MANY_REQUESTS });
    expect(String(error)).toMatch(/limit is 1/);
  });

  it('fails when its topic is deleted', async () => {
    const bench = await readyBench();
    const waiting = bench.broker.pop(popRequest('g', 't', { pollMs: 20_000 }), never);
    await bench.sim.settle();
    const outcome = waiting.catch((reason: unknown) => reason);
    await bench.drive(bench.broker.deleteTopic('t'));
    expect(await bench.drive(outcome)).toMatchObject({ code: Code.TOPIC_NOT_FOUND });
  });
});
