import { killMixed } from '../crash/mixed/rounds';
import { expectNothingLost, killUnderLoad } from '../crash/rounds';

describe('kill -9 under load', () => {
  it('loses nothing that was answered, and makes nothing up, over 3 rounds', async () => {
    expectNothingLost(await killUnderLoad('one process', 3, 1));
  });

  it('keeps what it promises about messages of all kinds, broker and proxies apart', async () => {
    const times = { roundMs: 500, longestDelayMs: 1000, drainMs: 30_000 };
    const { broken, counts } = await killMixed({ rounds: 3, seed: 1, ...times });
    expect(broken).toEqual({});
    expect(counts['acknowledged']).toBeGreaterThan(100);
    expect(counts['committed']).toBeGreaterThan(0);
  });
});
