import { expectAllKept } from '../crash/mixed/load';
import { faultsInTurn } from './faults';

// FAILOVER_FAULTS: how many. FAILOVER_SEED: the seed of when and what, and of what clients do.
const count = Number(process.env['FAILOVER_FAULTS'] ?? 14);
const seed = Number(process.env['FAILOVER_SEED'] ?? 1);

/** From a fault to the first answer of a master, and to the first send that is answered OK, ms. */
const VACANT_MS = 5000;

describe('a cluster whose processes are killed, and whose masters stand still', () => {
  it(`loses nothing answered and never has two masters, over ${count} faults`, async () => {
    const { outcome, faults } = await faultsInTurn(count, seed);
    expectAllKept(outcome);
    expect(outcome.stale).toEqual([]);
    expect(faults.filter(({ withoutMasterMs }) => withoutMasterMs >= VACANT_MS)).toEqual([]);
    expect(faults.filter(({ withoutSendMs = 0 }) => withoutSendMs >= VACANT_MS)).toEqual([]);
    expect(faults).toHaveLength(count);
  });
});
