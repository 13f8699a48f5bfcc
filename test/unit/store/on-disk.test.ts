/** The store on the files of the system, with the system's clock. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePlatform } from '../../../src/platform/node-platform';
import { openStore } from '../../../src/store/open-store';
import { draft, storeOptions, texts } from './support/test-store';

test.each(['sync', 'async'] as const)(
  'flush %s: messages are kept across restarts',
  async (flush) => {
    const directory = await mkdtemp(join(tmpdir(), 'gantry-store-'));
    try {
      const options = storeOptions(nodePlatform(), { directory, flush });
      const sent: string[] = [];
      for (let round = 0; round < 3; round++) {
        const store = await openStore(options);
        await expect(openStore(options)).rejects.toMatchObject({ code: 'ELOCKED' });
        expect(await texts(store, 'orders')).toEqual(sent);
        const kept: Promise<void>[] = [];
        for (let i = 0; i < 50; i++) {
          const text = `round ${round} message ${i}`;
          sent.push(text);
          kept.push(store.durable(store.append(draft('orders', text, 600), 0).endOffset));
          if (i % 10 === 9) await Promise.all(kept);
        }
        expect(await texts(store, 'orders')).toEqual(sent);
        await store.close();
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);

test('a store of default lengths takes little space on disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-store-'));
  try {
    const {
      segmentBytes: _s,
      queueFileEntries: _q,
      ...options
    } = storeOptions(nodePlatform(), {
      directory,
    });
    const store = await openStore(options);
    await store.durable(store.append(draft('orders', 'a'), 0).endOffset);
    await store.close();
    const segment = await stat(join(directory, 'commitlog', '0'.repeat(20)));
    expect(segment.size).toBe(1024 ** 3);
    expect(segment.blocks * 512).toBeLessThan(1024 ** 2);
  } finally {
    await rm(directory, { recursive: true });
  }
});
