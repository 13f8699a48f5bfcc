import { expectAllKept } from '../crash/mixed/load';
import { type FaultCost, faultsInTurn, mastersWithEtcd } from './faults';

// FAILOVER_FAULTS: how many. FAILOVER_SEED: the seed of when and what, and of what clients do.
const count = Number(process.env['FAILOVER_FAULTS'] ?? 18);
const seed = Number(process.env['FAILOVER_SEED'] ?? 1);

/** From a fault to the first answer of a master, and to the first send that is answered OK, ms. */
const VACANT_MS = 5000;
/**
 * The same where the leader of etcd is lost as well. etcd's members elect another after 1 to 2 s (`--election-timeout`), who lets
 * each lease last anew, and for as long as an election more: 2 s and 1 s. Ended leases are looked for twice a second.
 */
const VACANT_WITH_ETCD_MS = 7000;

const tooLong = ({ etcdElects, withoutMasterMs, withoutSendMs = 0 }: FaultCost): boolean =>
  Math.max(withoutMasterMs, withoutSendMs) >= (etcdElects ? VACANT_WITH_ETCD_MS : VACANT_MS);

describe('a cluster whose processes are killed, and whose masters stand still', () => {
  it(`loses nothing answered and never has two masters, over ${count} faults`, async () => {
    const { outcome, faults } = await faultsInTurn(count, seed);
    expectAllKept(outcome);
    expect(outcome.stale).toEqual([]);
    expect(faults.filter(tooLong)).toEqual([]);
    expect(faults).toHaveLength(count);
  });

  it('has another master as soon when the leader of etcd is lost too, and etcd elects as soon', async () => {
    const { outcome, faults } = await mastersWithEtcd(3, { seed, electionMs: 500 });
    expectAllKept(outcome);
    expect(outcome.stale).toEqual([]);
    expect(faults.filter(({ withoutMasterMs }) => withoutMasterMs >= VACANT_MS)).toEqual([]);
    expect(faults).toHaveLength(3);
  });
});
