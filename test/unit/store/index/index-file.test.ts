/** The bytes of index files, computed here from the description of the format alone. */
import {
  indexFileBytes,
  indexFileName,
  keyHashOf,
  timeDiffOf,
} from '../../../../src/store/index/index-file';
import { DIRECTORY, draft, stop, type TestStore } from '../support/test-store';
import {
  indexFile,
  indexNames,
  post,
  openIndexed,
  INDEX_ENTRIES,
  INDEX_SLOTS,
  type Message,
} from './support';

interface Filed {
  readonly key: string;
  readonly physicalOffset: bigint;
  readonly storedMs: bigint;
}

/** What one file holds of these keys, byte by byte. */
function expectedFile(filed: readonly Filed[]): Buffer {
  const bytes = Buffer.alloc(40 + 4 * INDEX_SLOTS + 20 * INDEX_ENTRIES);
  const [first] = filed;
  const last = filed[filed.length - 1];
  if (!first || !last) throw new Error('nothing is filed');
  const slots = new Set<number>();
  filed.forEach(({ key, physicalOffset, storedMs }, i) => {
    const number = i + 1;
    let hash = 0n;
    for (const unit of key.split('')) hash = BigInt.asIntN(32, 31n * hash + code(unit));
    const keyHash = hash < 0n ? -hash : hash;
    const slot = Number(keyHash % BigInt(INDEX_SLOTS));
    const at = 40 + 4 * INDEX_SLOTS + 20 * number;
    bytes.writeInt32BE(Number(keyHash), at);
    bytes.writeBigInt64BE(physicalOffset, at + 4);
    bytes.writeInt32BE(Number((storedMs - first.storedMs) / 1000n), at + 12);
    bytes.writeInt32BE(bytes.readInt32BE(40 + 4 * slot), at + 16);
    bytes.writeInt32BE(number, 40 + 4 * slot);
    slots.add(slot);
  });
  bytes.writeBigInt64BE(first.storedMs, 0);
  bytes.writeBigInt64BE(last.storedMs, 8);
  bytes.writeBigInt64BE(first.physicalOffset, 16);
  bytes.writeBigInt64BE(last.physicalOffset, 24);
  bytes.writeInt32BE(slots.size, 32);
  bytes.writeInt32BE(filed.length + 1, 36);
  return bytes;
}

function code(unit: string): bigint {
  return BigInt(unit.charCodeAt(0));
}

/** Posts a message and answers what must be filed for it, in order. */
async function filing(opened: TestStore, message: Message): Promise<Filed[]> {
  const { topic, id, keys = '', tag = '' } = message;
  const [placed] = await post(opened, message);
  if (!placed) throw new Error('nothing was appended');
  const physicalOffset = BigInt(placed.physicalOffset);
  const storedMs = BigInt(placed.storeTimestamp);
  const texts = [id, ...keys.split(' ').filter((key) => key !== '')];
  if (tag !== '') texts.push(`T#${tag}`);
  return texts.map((text) => ({ key: `${topic}#${text}`, physicalOffset, storedMs }));
}

describe('an index file', () => {
  it('has the bytes that the format says', async () => {
    const opened = await openIndexed();
    const filed: Filed[] = [];
    const messages: Message[] = [
      { topic: 'orders', id: 'id-1', keys: 'one  two', tag: 'TagA' },
      { topic: 'orders', id: 'id-2', keys: 'one' },
      { topic: 'mails', id: 'ünï😀', tag: 'polygenelubricants' },
      { topic: 'orders', id: 'id-4', keys: 'one two three four' },
    ];
    for (const message of messages) {
      filed.push(...(await filing(opened, message)));
      await opened.sim.advance(1700);
    }
    await stop(opened);
    expect(await indexFile(opened.files)).toEqual(expectedFile(filed));
  });

  it('takes one entry less than it has room for, then the next file begins', async () => {
    const opened = await openIndexed();
    const filed: Filed[] = [];
    for (let i = 0; i < 30; i++) {
      filed.push(...(await filing(opened, { topic: 't', id: `${i}`, keys: `a${i} b${i}` })));
      await opened.sim.advance(500);
    }
    await stop(opened);
    const a = INDEX_ENTRIES - 1;
    expect(await indexNames(opened.files)).toHaveLength(3);
    expect(await indexFile(opened.files, 0)).toEqual(expectedFile(filed.slice(0, a)));
    expect(await indexFile(opened.files, 1)).toEqual(expectedFile(filed.slice(a, 2 * a)));
    expect(await indexFile(opened.files, 2)).toEqual(expectedFile(filed.slice(2 * a)));
  });

  it('is named by 17 digits of local time, each behind the one before, and nothing else is there', async () => {
    const opened = await openIndexed();
    for (let i = 0; i < 50; i++) await post(opened, { topic: 't', id: `${i}`, keys: `k${i}` });
    await stop(opened);
    const names = await indexNames(opened.files);
    const local = indexFileName(1_700_000_000_000, '');
    expect(names).toEqual([local, `${BigInt(local) + 1n}`, `${BigInt(local) + 2n}`]);
    expect(local).toMatch(/^2023111[45]\d{9}$/);
  });

  it('has the length of Apache RocketMQ unless it is set', () => {
    expect(indexFileBytes({ slots: 5_000_000, entries: 20_000_000 })).toBe(420_000_040);
  });

  it.each([
    ['TopicTest#k1', 2_746_024],
    ['polygenelubricants', 0],
    ['中文', 646_394],
    ['😀', 1_772_899],
  ])('hashes %s as Java does', (text, hash) => {
    expect(keyHashOf(text)).toBe(hash);
  });

  it('holds whole seconds, never below 0 nor above an int', () => {
    expect(timeDiffOf(12_999, 10_000)).toBe(2);
    expect(timeDiffOf(9_000, 10_000)).toBe(0);
    expect(timeDiffOf(2 ** 43, 0)).toBe(2 ** 31 - 1);
  });
});

it('a store makes no index before a message has a key', async () => {
  const opened = await openIndexed();
  opened.store.append(draft('t', 'without keys'), 0);
  await opened.sim.advance(1000);
  expect(await opened.files.stat(`${DIRECTORY}/index`)).toBeUndefined();
  expect(await opened.files.stat(`${DIRECTORY}/gantry/index.json`)).toBeUndefined();
  await post(opened, { topic: 't', id: 'with one' });
  await opened.sim.advance(1000);
  expect(await indexNames(opened.files)).toHaveLength(1);
  await stop(opened);
});
