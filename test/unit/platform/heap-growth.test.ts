import { growSmallHeaps } from '../../../src/platform/heap-growth';
import { SimClock } from '../../support/sim-clock';

const MIB = 1024 * 1024;

test('a heap may grow fourfold while it is below 128 MiB, and as V8 sees fit from there on', async () => {
  const sim = new SimClock();
  const flags: string[] = [];
  let usedBytes = 20 * MIB;
  growSmallHeaps(sim.timers, {
    usedBytes: () => usedBytes,
    setFlags: (flag) => void flags.push(flag),
  });
  expect(flags).toEqual(['--heap-growing-percent=300']);
  usedBytes = 128 * MIB;
  await sim.advance(5_000);
  expect(flags.at(-1)).toBe('--heap-growing-percent=0');
  usedBytes = 128 * MIB - 1;
  await sim.advance(5_000);
  expect(flags.at(-1)).toBe('--heap-growing-percent=300');
});
