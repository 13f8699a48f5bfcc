/** Thousands of losses of power. POWER_LOSS_SEED is the first seed, POWER_LOSS_RUNS how many there are. */
import { powerLossRun } from '../unit/store/support/power-loss';

const first = Number(process.env['POWER_LOSS_SEED'] ?? '100000');
const runs = Number(process.env['POWER_LOSS_RUNS'] ?? '2000');

test.each(['sync', 'async', 'buffered'] as const)(
  'flush %s, power lost at any moment, in recovery too: it opens, and holds what was promised',
  async (flush) => {
    for (let seed = first; seed < first + runs; seed++) await powerLossRun(seed, flush);
  },
);
