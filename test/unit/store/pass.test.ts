import { Pass } from '../../../src/store/pass';
import { deferred } from '../../support/deferred';

test('work is done a few items at a time, in their order', async () => {
  const begun: number[] = [];
  const gates = [0, 1, 2, 3].map(() => deferred<void>());
  const pass = new Pass([0, 1, 2, 3], 2, async (i) => {
    begun.push(i);
    await gates[i]?.promise;
  });
  const done = pass.run();
  expect(begun).toEqual([0, 1]);
  gates[1]?.resolve();
  await Promise.resolve();
  for (let turns = 0; begun.length < 3 && turns < 10; turns++) await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  for (const gate of gates) gate.resolve();
  expect(await done).toBe(true);
  expect(begun).toEqual([0, 1, 2, 3]);
});

test('a pause leaves the rest for the next run', async () => {
  const begun: number[] = [];
  const pass = new Pass([1, 2, 3, 4, 5], 1, (i) => Promise.resolve(void begun.push(i)));
  expect(await pass.run(() => begun.length >= 2)).toBe(false);
  expect(begun).toEqual([1, 2]);
  expect(await pass.run()).toBe(true);
  expect(begun).toEqual([1, 2, 3, 4, 5]);
});

test('after a failure nothing more is begun, and what runs is waited for', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const pass = new Pass([1, 2, 3, 4], 2, async (i) => {
    begun.push(i);
    if (i === 1) throw new Error('broken');
    for (let turns = 0; turns < 5; turns++) await Promise.resolve();
    ended.push(i);
  });
  await expect(pass.run()).rejects.toThrow('broken');
  expect(begun).toEqual([1, 2]);
  expect(ended).toEqual([2]);
});
