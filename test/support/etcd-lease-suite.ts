import type { GroupState, LeaseApi } from '../../src/api/lease-api';
import { until } from './until';

const a = { member: '0/a', address: 'a:10911' };
const b = { member: '1/b', address: 'b:10911' };
/** By name: what is tested may be built, with classes of its own. */
const REFUSED = { name: 'LeaseRefusedError' };
const LOST = { name: 'LeaseLostError' };
/** Much longer than anything takes, on a machine that has other things to do as well. */
const LIMIT_MS = 40_000;

/**
 * What every etcd does for a broker group, the model as well as the real one.
 * @param connect makes a way to it for a group of this name
 */
export function etcdLeaseSuite(connect: (brokerName: string) => LeaseApi): void {
  let groups = 0;
  const opened: LeaseApi[] = [];
  /** Ways of two replicas of a new group, and what the second one sees. */
  const scene = () => {
    const name = `group ${++groups}/${process.pid}`;
    const [ofA, ofB] = [connect(name), connect(name)];
    opened.push(ofA, ofB);
    const seen: GroupState[] = [];
    ofB.watch((state) => seen.push(state));
    const sees = (what: string, holds: (state: GroupState) => boolean): Promise<GroupState> =>
      until(what, LIMIT_MS, () => seen.find(holds));
    return { ofA, ofB, sees };
  };

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((api) => api.close()));
  });

  it('gives the leadership to one, who hands it to another under a higher epoch', async () => {
    const { ofA, ofB, sees } = scene();
    await sees(
      'an empty group',
      ({ leader, inSync }) => leader === undefined && inSync === undefined,
    );
    const first = await ofA.campaign(a);
    expect(first.inSync).toEqual([a.member]);
    const { leader } = await sees('a leader', (state) => state.leader !== undefined);
    expect(leader).toEqual({ ...a, epoch: first.epoch });
    await first.setInSync([a.member, b.member]);
    await sees('two in sync', ({ inSync }) => inSync?.length === 2);
    await expect(ofB.campaign(b)).rejects.toMatchObject(REFUSED);
    await first.release(b.member);
    const after = await sees('the release', ({ released }) => released !== undefined);
    expect(after).toMatchObject({
      leader: undefined,
      released: { epoch: first.epoch, to: b.member },
    });
    const second = await ofB.campaign(b);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    expect(second.inSync).toEqual([a.member, b.member]);
    await sees('no release', (state) => state.leader?.member === b.member && !state.released);
    await expect(first.setInSync([a.member])).rejects.toMatchObject(LOST);
    await expect(first.release()).rejects.toMatchObject(LOST);
  });

  it('gives an epoch above that of the log, also to those who come later', async () => {
    const { ofA, ofB, sees } = scene();
    const first = await ofA.campaign(a, 2 ** 41);
    expect(first.epoch).toBeGreaterThan(2 ** 41);
    const { leader } = await sees('the leader', (state) => state.leader !== undefined);
    expect(leader?.epoch).toBe(first.epoch);
    await first.setInSync([a.member, b.member]);
    await first.release();
    const second = await ofB.campaign(b);
    expect(second.epoch).toBeGreaterThan(first.epoch);
    await second.setInSync([b.member]);
    await sees('the second leader', (state) => state.leader?.epoch === second.epoch);
  });

  it('gives it to nobody who is not in sync', async () => {
    const { ofA, ofB } = scene();
    const first = await ofA.campaign(a);
    await first.setInSync([a.member, '1/another']);
    await first.release();
    await expect(ofB.campaign(b)).rejects.toMatchObject(REFUSED);
  });

  it('gives it to one of two who ask at once', async () => {
    const { ofA, ofB } = scene();
    const both = await Promise.allSettled([ofA.campaign(a), ofB.campaign(b)]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('keeps it by renewals, and ends it when they end', async () => {
    const { ofA, sees } = scene();
    const held = await ofA.campaign(a);
    const { renewedMs } = held;
    await until('renewals beyond the first lease', LIMIT_MS, () =>
      held.renewedMs > renewedMs + held.leaseMs ? true : undefined,
    );
    const { leader } = await sees('the leader', (state) => state.leader !== undefined);
    expect(leader?.epoch).toBe(held.epoch);
    await ofA.close();
    const ended = await sees(
      'the end of the lease',
      (state) => state.leader === undefined && state.inSync !== undefined,
    );
    expect(ended.released).toBeUndefined();
  });
}
