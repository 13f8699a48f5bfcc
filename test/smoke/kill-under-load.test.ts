import { expectNothingLost, killUnderLoad } from '../crash/rounds';

describe('kill -9 under load', () => {
  it('loses nothing that was answered, and makes nothing up, over 3 rounds', async () => {
    expectNothingLost(await killUnderLoad('one process', 3, 1));
  });
});
