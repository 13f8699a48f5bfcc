import {
  LeaseLostError,
  LeaseRefusedError,
  LeaseUnavailableError,
  type GroupState,
} from '../../../src/api/lease-api';
import { ModelLease, type ModelWire } from '../../support/model-lease';
import { ModelLeaseService } from '../../support/model-lease-service';
import { SimClock } from '../../support/sim-clock';

const LEASE_MS = 3_000;
const a = { member: '0/a', address: 'a:10911' };
const b = { member: '1/b', address: 'b:10911' };

/** A service, and ways to it for two replicas; that of `a` over a wire that may be cut. */
function scene() {
  const sim = new SimClock();
  const service = new ModelLeaseService(sim.timers, LEASE_MS);
  const wire: { lost: boolean } = { lost: false };
  const connect = (modelWire: ModelWire) =>
    new ModelLease(service, { platform: sim, network: sim.timers, wire: modelWire });
  return {
    sim,
    service,
    wire,
    ofA: connect(() => (wire.lost ? undefined : 5)),
    ofB: connect(() => 5),
    /** What comes of a promise while the time moves on. */
    settle: async <T>(promise: Promise<T>): Promise<T> => {
      const settled = promise.catch(() => undefined);
      await sim.advance(1_000);
      await settled;
      return promise;
    },
  };
}

describe('the leadership of a broker group', () => {
  it('is taken by one, under a rising epoch', async () => {
    const { ofA, ofB, settle } = scene();
    const first = await settle(ofA.campaign(a));
    expect(first.inSync).toEqual([a.member]);
    await settle(first.setInSync([a.member, b.member]));
    await expect(settle(ofB.campaign(b))).rejects.toThrow(LeaseRefusedError);
    await settle(first.release());
    const second = await settle(ofB.campaign(b));
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(second.inSync).toEqual([a.member, b.member]);
  });

  it('is only for members of the in-sync set', async () => {
    const { ofA, ofB, settle } = scene();
    const first = await settle(ofA.campaign(a));
    await settle(first.release());
    await expect(settle(ofB.campaign(b))).rejects.toThrow(LeaseRefusedError);
  });

  it('lasts as long as it is renewed, counted from the sending', async () => {
    const { sim, service, wire, ofA, settle } = scene();
    const held = await settle(ofA.campaign(a));
    await sim.advance(10 * LEASE_MS);
    expect(service.state.leader).toEqual({ ...a, epoch: held.epoch });
    expect(sim.clock.monotonicMs() - held.renewedMs).toBeLessThanOrEqual(LEASE_MS / 2);
    wire.lost = true;
    const { renewedMs } = held;
    await sim.advance(2 * LEASE_MS);
    expect(service.state.leader).toBeUndefined();
    expect(held.renewedMs - renewedMs).toBeLessThanOrEqual(LEASE_MS / 2);
  });

  it('is known to be lost when the service is there again', async () => {
    const { sim, wire, ofA, settle } = scene();
    const held = await settle(ofA.campaign(a));
    const lost = jest.fn();
    held.onLost(lost);
    wire.lost = true;
    await sim.advance(2 * LEASE_MS);
    expect(lost).not.toHaveBeenCalled();
    await expect(settle(held.setInSync([a.member]))).rejects.toThrow(LeaseUnavailableError);
    wire.lost = false;
    await sim.advance(2 * LEASE_MS);
    expect(lost).toHaveBeenCalledTimes(1);
    await expect(settle(held.setInSync([a.member]))).rejects.toThrow(LeaseLostError);
  });

  it('is watched: who leads, the in-sync set, and who is to be next', async () => {
    const { sim, ofA, ofB, settle } = scene();
    const seen: GroupState[] = [];
    const watch = ofB.watch((state) => seen.push(state));
    await sim.advance(100);
    expect(seen.at(-1)).toMatchObject({ leader: undefined, inSync: undefined });
    const held = await settle(ofA.campaign(a));
    await settle(held.setInSync([a.member, b.member]));
    expect(seen.at(-1)).toMatchObject({
      leader: { ...a, epoch: held.epoch },
      inSync: [a.member, b.member],
    });
    await settle(held.release(b.member, true));
    expect(seen.at(-1)).toMatchObject({
      leader: undefined,
      released: { epoch: held.epoch, to: b.member, ends: true },
    });
    watch.close();
    const told = seen.length;
    await settle(ofB.campaign(b));
    expect(seen).toHaveLength(told);
  });
});
