import { MAX_PROGRESS_WAITS, ProgressWaits } from '../../../../src/broker/growth/progress-waits';
import { Code } from '../../../../src/message/status';
import { SimClock } from '../../../support/sim-clock';

const signal = (): AbortSignal => new AbortController().signal;
const place = { group: 'g', topic: 't' };

describe('questions of other brokers that wait', () => {
  const cases: [string, (waits: ProgressWaits, sim: SimClock, stop: AbortController) => unknown][] =
    [
      ['when the group has gone on', (waits) => waits.wake(place)],
      ['when the topic has changed', (waits) => waits.wakeTopic('t')],
      ['when the broker closes', (waits) => waits.wakeAll()],
      ['when their time is over', (_waits, sim) => sim.advance(1000)],
      ['when the one who asked is gone', (_waits, _sim, stop) => stop.abort()],
    ];
  it.each(cases)('end %s, and leave nothing behind', async (_when, end) => {
    const sim = new SimClock();
    const waits = new ProgressWaits(sim.timers);
    const stop = new AbortController();
    let ended = false;
    const waiting = waits.next(place, 1000, stop.signal).then(() => (ended = true));
    waits.wake({ group: 'other', topic: 't' });
    waits.wakeTopic('other');
    await sim.settle();
    expect(ended).toBe(false);
    await end(waits, sim, stop);
    await waiting;
    expect(sim.pending).toBe(0);
  });

  it('are bounded', async () => {
    const sim = new SimClock();
    const waits = new ProgressWaits(sim.timers);
    const all = Array.from({ length: MAX_PROGRESS_WAITS }, () => waits.next(place, 1000, signal()));
    await expect(waits.next(place, 1000, signal())).rejects.toMatchObject({
      code: Code.TOO_MANY_REQUESTS,
    });
    waits.wake(place);
    await Promise.all(all);
    const next = waits.next(place, 1000, signal());
    waits.wake(place);
    await next;
  });
});
