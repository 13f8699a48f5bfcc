import { expectAllKept } from './mixed/load';
import { killMixed } from './mixed/rounds';

// CRASH_ROUNDS: how often something is killed. CRASH_SEED: the seed of when and what, and of what clients do.
const rounds = Number(process.env['CRASH_ROUNDS'] ?? 24);
const seed = Number(process.env['CRASH_SEED'] ?? 1);

describe('kill -9 of the broker and of both proxies under mixed load', () => {
  it(`keeps every promise about messages of all kinds, over ${rounds} rounds`, async () => {
    const times = { roundMs: 2000, longestDelayMs: 8000, drainMs: 90_000 };
    expectAllKept(await killMixed({ rounds, seed, ...times }));
  });
});
