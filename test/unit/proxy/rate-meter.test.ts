import { RateMeter } from '../../../src/proxy/rate-meter';

describe('a rate meter', () => {
  let nowMs = 0;
  const meter = (): RateMeter => new RateMeter({ monotonicMs: () => nowMs });
  beforeEach(() => (nowMs = 5_000));

  it('tells the mean of the last ten whole seconds; the running one does not count', () => {
    const made = meter();
    made.add(50);
    expect(made.perSecond()).toBe(0);
    nowMs += 1000;
    expect(made.perSecond()).toBe(5);
    made.add(30);
    nowMs += 1000;
    expect(made.perSecond()).toBe(8);
    nowMs += 8999;
    expect(made.perSecond()).toBe(8);
    nowMs += 1;
    expect(made.perSecond()).toBe(3);
    nowMs += 3_600_000;
    expect(made.perSecond()).toBe(0);
  });
});
