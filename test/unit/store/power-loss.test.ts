/** Some losses of power; test/faults/power-loss.test.ts takes thousands. */
import { powerLossRun } from './support/power-loss';

const RUNS = 25;

test.each(['sync', 'async', 'buffered'] as const)(
  'flush %s, power lost at any moment, in recovery too: it opens, and holds what was promised',
  async (flush) => {
    for (let seed = 1; seed <= RUNS; seed++) await powerLossRun(seed, flush);
  },
);
