import type { Leadership } from '../../../../src/api/lease-api';
import { Mastership } from '../../../../src/broker/replication/mastership';

const LEASE_MS = 1_000;

/** A master `a` with followers; the clock and the renewals are moved by hand. */
function scene(inSync: readonly string[]) {
  const now = { ms: 0 };
  const renewed = { ms: 0 };
  const leadership: Leadership = {
    epoch: 5,
    inSync,
    leaseMs: LEASE_MS,
    get renewedMs() {
      return renewed.ms;
    },
    onLost: () => undefined,
    setInSync: () => Promise.resolve(),
    release: () => Promise.resolve(),
  };
  const mastership = new Mastership(leadership, 'a', { monotonicMs: () => now.ms });
  /** Whether it holds when the time has moved to `ms`. */
  const holdsAt = (ms: number): boolean => {
    now.ms = ms;
    return mastership.holds();
  };
  return { now, renewed, mastership, holdsAt };
}

describe('a mastership', () => {
  it('ends before the lease can, counted from the sending of the newest renewal', () => {
    const { renewed, holdsAt } = scene(['a', 'b']);
    expect(holdsAt(890)).toBe(true);
    expect(holdsAt(910)).toBe(false);
    renewed.ms = 800;
    expect(holdsAt(1_690)).toBe(true);
    expect(holdsAt(1_710)).toBe(false);
  });

  it('goes on by promises of all others, and by no fewer', () => {
    const { mastership, holdsAt } = scene(['a', 'b', 'c']);
    expect(holdsAt(500)).toBe(true);
    mastership.promise('b', 500, 1_000);
    expect(holdsAt(910)).toBe(false);
    const all = scene(['a', 'b', 'c']);
    all.holdsAt(500);
    all.mastership.promise('b', 500, 1_000);
    all.mastership.promise('c', 400, 1_000);
    expect(all.holdsAt(1_290)).toBe(true);
    expect(all.holdsAt(1_310)).toBe(false);
  });

  it('that lapsed is not mended by promises, only by a renewal', () => {
    const { renewed, mastership, holdsAt } = scene(['a', 'b']);
    expect(holdsAt(950)).toBe(false);
    mastership.promise('b', 940, 1_000);
    expect(holdsAt(960)).toBe(false);
    renewed.ms = 955;
    expect(holdsAt(970)).toBe(true);
  });

  it('counts the promises of all who may be in the set', () => {
    const { now, mastership, holdsAt } = scene(['a', 'b']);
    now.ms = 500;
    mastership.promise('b', 500, 1_000);
    mastership.count(['a', 'b', 'c']);
    expect(holdsAt(910)).toBe(false);
  });

  it('of a set of one needs no lease', () => {
    const { mastership, holdsAt } = scene(['a']);
    mastership.lose();
    expect(holdsAt(1_000_000)).toBe(true);
    mastership.end();
    expect(holdsAt(1_000_000)).toBe(false);
  });
});
