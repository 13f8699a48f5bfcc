/**
 * Some seeds; `npm run sim -- --seed N --seeds COUNT` runs more. That the rules can fail was seen by breaking the code:
 * docs/simulation.md says which seed finds what.
 */
import { simulate } from './simulate';

// SIM_SEED: the first seed. SIM_SEEDS: how many.
const first = Number(process.env['SIM_SEED'] ?? 10);
const count = Number(process.env['SIM_SEEDS'] ?? 2);

describe('a cluster in one process under simulated time', () => {
  it('replays a seed exactly: the same events, the same log, the same end', async () => {
    const once = await simulate(first);
    const again = await simulate(first);
    expect(again.log).toEqual(once.log);
    expect(again.counts).toEqual(once.counts);
    expect(again.digest).toBe(once.digest);
    expect(once.broken).toEqual({});
    expect(once.counts['changes of masters']).toBeGreaterThan(0);
  });

  it.each(Array.from({ length: count }, (_none, i) => first + 1 + i))(
    'seed %i: every promise is kept under faults',
    async (seed) => {
      const { broken, counts } = await simulate(seed);
      expect(broken).toEqual({});
      for (const kind of ['normal', 'fifo', 'delay', 'transaction']) {
        expect(counts[`${kind} sent`]).toBeGreaterThan(0);
      }
      expect(counts['acknowledged']).toBeGreaterThan(0);
    },
  );
});
