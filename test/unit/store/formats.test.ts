/** Bytes that Apache RocketMQ 5.5 wrote or reads. */
import { encodeCheckpoint } from '../../../src/store/checkpoint';
import { readEntry, writeEntry } from '../../../src/store/queue-entry';
import { hostOf } from '../../../src/message/host';
import { draftRecord } from '../../../src/message/record-draft';
import { encodeProperties } from '../../../src/message/properties';
import { openStore } from '../../../src/store/open-store';
import { memoryFiles } from '../../../src/platform/memory-files';
import { SimClock } from '../../support/sim-clock';
import { DIRECTORY, run, simPlatform, storeOptions } from './support/test-store';

const STORE_TIME = 0x1a1fbd6182d;
const RECORD = [
  '00000087 DAA320A7 516FA58A 00000000 00000000 0000000000000000 0000000000000000 00000000',
  '00000000000003E8 7F000001 00000001 000001A1FBD6182D 7F000001 00002A9F 00000000 0000000000000000',
  '00000005 626F647930 01 50 0026',
  '4B455953 01 6B30 02 54414753 01 54616741 02 5F5F435243333223 01 39313238323038373231 02',
];

function hex(text: string): string {
  return text.replaceAll(' ', '').toLowerCase();
}

test('a record, its ConsumeQueue entry and the checkpoint are byte for byte those of Apache RocketMQ', async () => {
  const files = memoryFiles();
  const sim = new SimClock(STORE_TIME);
  const store = await openStore(storeOptions(simPlatform(files, sim)));
  const properties = encodeProperties([
    ['KEYS', 'k0'],
    ['TAGS', 'TagA'],
  ]);
  const placed = store.append(
    draftRecord({
      topic: 'P',
      body: Buffer.from('body0'),
      properties,
      tag: 'TagA',
      bornTimestamp: 1000,
      bornHost: hostOf('127.0.0.1', 1),
    }),
    0,
  );
  expect(placed).toMatchObject({ physicalOffset: 0, endOffset: 135, storeTimestamp: STORE_TIME });
  await sim.settle();
  await run(sim, store.close());
  const segment = await files.readFile(`${DIRECTORY}/commitlog/00000000000000000000`);
  expect(segment?.subarray(0, 135).toString('hex')).toBe(hex(RECORD.join('')));
  const queue = await files.readFile(`${DIRECTORY}/consumequeue/P/0/00000000000000000000`);
  const entry = '0000000000000000 00000087 000000000027A807';
  expect(queue?.subarray(0, 20).toString('hex')).toBe(hex(entry));
  const checkpoint = await files.readFile(`${DIRECTORY}/checkpoint`);
  expect(checkpoint?.length).toBe(4096);
  expect(checkpoint?.subarray(0, 16).toString('hex')).toBe(
    hex('000001A1FBD6182D 000001A1FBD6182D'),
  );
});

test('a checkpoint holds its times and the last offset where Apache RocketMQ looks for them', () => {
  const bytes = encodeCheckpoint({
    physicMsgTimestamp: 0x1a1fbcf2a21,
    logicsMsgTimestamp: 0x1a1fbcf2a21,
    logicsPhysicalOffset: 0x3dc3,
    indexMsgTimestamp: 0x1a1fbcf0000,
  });
  const zero = '0000000000000000';
  expect(bytes.subarray(0, 48).toString('hex')).toBe(
    hex(`000001A1FBCF2A21 000001A1FBCF2A21 000001A1FBCF0000 ${zero} ${zero} 0000000000003DC3`),
  );
  expect(bytes.subarray(48).every((byte) => byte === 0)).toBe(true);
});

test.each([
  ['a negative hash', -2147483648, '0000000000001000 00000064 FFFFFFFF80000000'],
  ['no tag', 0, '0000000000001000 00000064 0000000000000000'],
  ['a delivery time', 1795239019690, '0000000000001000 00000064 000001A1FC9584AA'],
])('an entry with %s is read as it was written', (_what, tagsCode, expected) => {
  const bytes = Buffer.alloc(20);
  writeEntry(bytes, 0, 4096, 100, tagsCode);
  expect(bytes.toString('hex')).toBe(hex(expected));
  expect(readEntry(bytes, 0, 7)).toEqual({
    queueOffset: 7,
    physicalOffset: 4096,
    bytes: 100,
    tagsCode,
  });
});

test('the default lengths of files are those of Apache RocketMQ', async () => {
  const files = memoryFiles();
  const sim = new SimClock();
  const {
    segmentBytes: _s,
    queueFileEntries: _q,
    ...options
  } = storeOptions(simPlatform(files, sim));
  const store = await openStore(options);
  store.append(
    draftRecord({ topic: 'P', body: Buffer.of(1), properties: '', tag: '', bornTimestamp: 1 }),
    0,
  );
  await sim.settle();
  await run(sim, store.close());
  const bytes = async (path: string): Promise<number | undefined> =>
    (await files.stat(`${DIRECTORY}/${path}/00000000000000000000`))?.bytes;
  expect(await bytes('commitlog')).toBe(1_073_741_824);
  expect(await bytes('consumequeue/P/0')).toBe(6_000_000);
});
