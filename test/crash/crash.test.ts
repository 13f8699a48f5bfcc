import { expectNothingLost, killUnderLoad } from './rounds';

// CRASH_ROUNDS: how often the broker is killed. CRASH_SEED: the seed of when, and of which messages are neglected.
const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 20);
const SEED = Number(process.env['CRASH_SEED'] ?? 1);

describe('kill -9 under load', () => {
  it.each(['one process', 'a broker behind a proxy'] as const)(
    `%s: loses nothing that was answered, and makes nothing up, over ${ROUNDS} rounds`,
    async (kind) => {
      expectNothingLost(await killUnderLoad(kind, ROUNDS, SEED));
    },
  );
});
