/** Old segments go: by age, by the disk's use, and never below somebody's hands. */
// long: one log that fills up and ages, seen from each side
import { Code } from '../../../src/message/status';
import { memoryFiles } from '../../../src/platform/memory-files';
import type { Files } from '../../../src/platform/platform';
import type { RemovalPlan } from '../../../src/store/message-store';
import { DEFAULT_RETENTION, type RetentionSettings } from '../../../src/store/retention';
import { SimClock } from '../../support/sim-clock';
import { FaultyDisk } from './support/faulty-disk';
import { JournalFiles } from './support/journal-files';
import {
  afterKill,
  DIRECTORY,
  draft,
  openTestStore,
  run,
  SEGMENT_BYTES,
  segmentPath,
  send,
  stop,
  textOf,
  texts,
  type TestStore,
} from './support/test-store';

const HOUR_MS = 3_600_000;
const THREE_DAYS_MS = 72 * HOUR_MS;
/** What the simulated wall clock says at first, and 72 hours later. */
const HOUR_NOW = new Date(new SimClock().clock.wallMs()).getHours();

function retention(changes: Partial<RetentionSettings> = {}): RetentionSettings {
  return { ...DEFAULT_RETENTION, hour: HOUR_NOW, ...changes };
}

function open(
  files: Files = memoryFiles(),
  changes: Partial<RetentionSettings> = {},
): Promise<TestStore> {
  return openTestStore(files, { retention: retention(changes) });
}

/** Texts of 1 KiB in queue 0 until the log has `segments` segments; answers them. */
async function fill(opened: TestStore, segments: number, topic = 'orders'): Promise<string[]> {
  const sent: string[] = [];
  while (opened.store.visible < (segments - 1) * SEGMENT_BYTES + 1) {
    const text = `${topic} ${opened.store.maxOffset(topic, 0)}`;
    opened.store.append(draft(topic, text, 1000), 0);
    sent.push(text);
    await opened.sim.settle();
  }
  // The queues are synced: only what is safe in them goes.
  await opened.sim.advance(11_000);
  return sent;
}

/** Lets three days pass for all that is there, and a removal that is due with them. */
async function age(opened: TestStore): Promise<void> {
  opened.sim.jumpWall(THREE_DAYS_MS);
  await opened.sim.advance(10_000);
  await opened.sim.advance(11_000);
}

function segmentsOf(files: Files): Promise<string[]> {
  return files.list(`${DIRECTORY}/commitlog`);
}

describe('by age', () => {
  test('at the hour all expired segments go but the one in use, and what is left is served', async () => {
    const opened = await open();
    const sent = await fill(opened, 4);
    await age(opened);
    expect(await segmentsOf(opened.files)).toHaveLength(1);
    const min = opened.store.minOffset('orders', 0);
    expect(min).toBeGreaterThan(30);
    expect(await texts(opened.store, 'orders')).toEqual(sent.slice(min));
    await send(opened, 'orders', 'new');
    expect((await texts(opened.store, 'orders')).at(-1)).toBe('new');
  });

  test('at another hour nothing goes', async () => {
    const opened = await open(memoryFiles(), { hour: (HOUR_NOW + 12) % 24 });
    await fill(opened, 4);
    await age(opened);
    expect(await segmentsOf(opened.files)).toHaveLength(4);
    expect(opened.store.minOffset('orders', 0)).toBe(0);
  });

  test('a segment is as old as its newest record', async () => {
    const opened = await open();
    await fill(opened, 2);
    opened.sim.jumpWall(THREE_DAYS_MS / 2);
    await fill(opened, 4);
    opened.sim.jumpWall(THREE_DAYS_MS / 2);
    await opened.sim.advance(30_000);
    expect((await segmentsOf(opened.files))[0]).toBe(String(SEGMENT_BYTES).padStart(20, '0'));
  });

  test('at most ten segments go at a time', async () => {
    const opened = await open();
    await fill(opened, 14);
    await age(opened);
    expect(await segmentsOf(opened.files)).toHaveLength(4);
    await opened.sim.advance(30_000);
    expect(await segmentsOf(opened.files)).toHaveLength(1);
  });

  test.each(['a clean stop', 'a kill'])('after %s the queues begin where they did', async (how) => {
    const opened = await open();
    await fill(opened, 4);
    await age(opened);
    const [min, left] = [opened.store.minOffset('orders', 0), await texts(opened.store, 'orders')];
    if (how === 'a clean stop') await stop(opened);
    const again = await open(afterKill(opened.files));
    expect(again.store.minOffset('orders', 0)).toBe(min);
    expect(await texts(again.store, 'orders')).toEqual(left);
  });
});

describe('by use of the disk', () => {
  async function openOnDisk(): Promise<
    TestStore & { disk: FaultyDisk; use(percent: number): void }
  > {
    const disk = new FaultyDisk();
    const opened = await open(disk, { hour: (HOUR_NOW + 12) % 24 });
    const use = (percent: number): void => {
      disk.used = { bytes: percent, of: 100 };
    };
    return { ...opened, disk, use };
  }

  test('above the first limit expired segments go at any hour, and others stay', async () => {
    const opened = await openOnDisk();
    await fill(opened, 3);
    opened.use(76);
    await opened.sim.advance(30_000);
    expect(await segmentsOf(opened.files)).toHaveLength(3);
    await age(opened);
    expect(await segmentsOf(opened.files)).toHaveLength(1);
  });

  test('above the second limit the oldest go before their time, no more than it takes', async () => {
    const opened = await openOnDisk();
    await fill(opened, 6);
    const plans: RemovalPlan[] = [];
    opened.store.onRemoval((plan) => {
      plans.push(plan);
      return Promise.resolve();
    });
    // 86 % of so much that the limit of 85 % is passed by one and a half segments.
    const of = SEGMENT_BYTES * 150;
    opened.disk.used = { bytes: of * 0.85 + SEGMENT_BYTES * 1.5, of };
    await opened.sim.advance(10_000);
    expect(plans).toMatchObject([{ below: 2 * SEGMENT_BYTES, forced: true }]);
    opened.use(80);
    await opened.sim.advance(30_000);
    expect(await segmentsOf(opened.files)).toHaveLength(4);
    expect(plans).toHaveLength(1);
  });

  test('above the third limit messages are refused, with the reason, until there is room again', async () => {
    const opened = await openOnDisk();
    const told: (string | undefined)[] = [];
    opened.store.onFull((reason) => told.push(reason));
    await send(opened, 'orders', 'a');
    opened.use(91);
    await opened.sim.advance(10_000);
    const refused = expect.objectContaining({
      code: Code.INTERNAL_SERVER_ERROR,
      message:
        'no messages are taken: the disk is 91 % full, the limit is 90 %; try again when there is room',
    }) as Error;
    expect(() => opened.store.append(draft('orders', 'b'), 0)).toThrow(refused);
    // Between the limits it stays so: nothing flaps.
    opened.use(86);
    await opened.sim.advance(10_000);
    expect(() => opened.store.append(draft('orders', 'b'), 0)).toThrow(refused);
    opened.use(85);
    await opened.sim.advance(10_000);
    await send(opened, 'orders', 'c');
    expect(await texts(opened.store, 'orders')).toEqual(['a', 'c']);
    expect(told).toEqual(['the disk is 91 % full, the limit is 90 %', undefined]);
  });

  test("the broker's own records have a reserve of one segment", async () => {
    const opened = await openOnDisk();
    opened.use(91);
    await opened.sim.advance(10_000);
    const end = opened.store.visible;
    const append = (): number =>
      opened.store.append(draft('rmq_sys_POP_LEDGER', 'x', 1000), 0, true).endOffset;
    let last = end;
    expect(() => {
      for (let i = 0; i < 100; i++) last = append();
    }).toThrow('the disk is 91 % full');
    expect(last - end).toBeGreaterThan(SEGMENT_BYTES - 2000);
    expect(last - end).toBeLessThan(SEGMENT_BYTES + 2000);
    opened.use(50);
    await opened.sim.advance(10_000);
    append();
  });

  test('a disk that is full when the store opens refuses from the first message on', async () => {
    const disk = new FaultyDisk();
    disk.used = { bytes: 95, of: 100 };
    const { store } = await open(disk);
    expect(() => store.append(draft('orders', 'a'), 0)).toThrow('95 % full');
  });
});

describe('what is in the way of a removal', () => {
  test('a read that runs ends well, and a message found before can be read for a while', async () => {
    const disk = new FaultyDisk();
    const opened = await open(disk);
    const sent = await fill(opened, 4);
    await stop(opened);
    // Opened anew nothing of it is in memory.
    const again = await open(disk);
    const { store, sim } = again;
    const entries = await store.entries('orders', 0, 0, 2);
    const [first, second] = entries;
    if (first === undefined || second === undefined) throw new Error('no entries');
    sim.jumpWall(THREE_DAYS_MS);
    await sim.advance(10_000);
    expect(store.minOffset('orders', 0)).toBeGreaterThan(30);
    expect(textOf(await store.record('orders', 0, second))).toBe(sent[1]);
    const release = disk.hold('read', new RegExp(`${segmentPath(0)}$`));
    const reading = Promise.resolve(store.record('orders', 0, first));
    await sim.advance(20_000);
    expect(await segmentsOf(disk)).toHaveLength(1);
    release();
    expect(textOf(await reading)).toBe(sent[0]);
    await expect(store.record('orders', 0, second)).rejects.toThrow('cannot be read');
  });

  test('who has state in the segments is asked first, and sees what goes; nothing goes while it fails', async () => {
    const opened = await open();
    const sent = await fill(opened, 3);
    const seen: string[][] = [];
    let fails = true;
    opened.store.onRemoval(async (plan) => {
      for (const { topic, queueId, from, to } of plan.queues) {
        const entries = await opened.store.entries(topic, queueId, from, to - from);
        const found: string[] = [];
        for (const entry of entries) {
          found.push(textOf(await opened.store.record(topic, queueId, entry)));
        }
        seen.push(found);
      }
      if (fails) throw new Error('not now');
    });
    await age(opened);
    expect(await segmentsOf(opened.files)).toHaveLength(3);
    expect(opened.store.minOffset('orders', 0)).toBe(0);
    fails = false;
    await opened.sim.advance(30_000);
    const min = opened.store.minOffset('orders', 0);
    expect(min).toBeGreaterThan(20);
    expect(seen.at(-1)).toEqual(sent.slice(0, min));
    expect(await segmentsOf(opened.files)).toHaveLength(1);
  });
});

describe('queues', () => {
  test('files that hold nothing any more go, the last one of a queue stays', async () => {
    const opened = await open();
    await fill(opened, 3, 'old');
    const ended = opened.store.maxOffset('old', 0);
    await fill(opened, 6);
    await age(opened);
    expect(opened.store.minOffset('old', 0)).toBe(ended);
    expect(opened.store.maxOffset('old', 0)).toBe(ended);
    const left = await opened.files.list(`${DIRECTORY}/consumequeue/old/0`);
    expect(left).toHaveLength(1);
    const min = opened.store.minOffset('orders', 0);
    const kept = await opened.files.list(`${DIRECTORY}/consumequeue/orders/0`);
    expect(Number(kept[0])).toBe((min - (min % 8)) * 20);
    await stop(opened);
    const again = await open(opened.files);
    expect(again.store.append(draft('old', 'x'), 0).queueOffset).toBe(ended);
  });

  test('queues built anew go on behind messages that are all gone', async () => {
    const opened = await open();
    await fill(opened, 3, 'old');
    const ended = opened.store.maxOffset('old', 0);
    await fill(opened, 6);
    await age(opened);
    await opened.files.removeTree(`${DIRECTORY}/consumequeue`);
    const again = await open(afterKill(opened.files));
    expect(again.store.maxOffset('old', 0)).toBe(ended);
    expect(again.store.append(draft('old', 'x'), 0).queueOffset).toBe(ended);
    await stop(again);
    const third = await open(afterKill(opened.files));
    expect(await texts(third.store, 'old')).toEqual(['x']);
    expect(third.store.minOffset('old', 0)).toBe(ended);
  });

  test('a topic that was deleted begins at 0 again, however its queues ended', async () => {
    const opened = await open();
    await fill(opened, 3, 'old');
    await fill(opened, 6);
    await age(opened);
    await run(opened.sim, opened.store.deleteTopic('old'));
    await opened.files.removeTree(`${DIRECTORY}/consumequeue`);
    const again = await open(afterKill(opened.files));
    expect(again.store.append(draft('old', 'x'), 0).queueOffset).toBe(0);
  });
});

test('killed after any change of a removal: it opens, serves what is left, and gives no offset twice', async () => {
  const files = new JournalFiles();
  const opened = await open(files);
  await fill(opened, 2, 'old');
  const sent = await fill(opened, 4);
  const ended = opened.store.maxOffset('old', 0);
  const before = files.changes.length;
  await age(opened);
  expect(await segmentsOf(files)).toHaveLength(1);
  expect(files.changes.length).toBeGreaterThan(before + 5);
  for (let count = before; count <= files.changes.length; count++) {
    const left = await files.afterKill(count);
    const again = await openTestStore(left);
    const min = again.store.minOffset('orders', 0);
    expect(await texts(again.store, 'orders')).toEqual(sent.slice(min));
    expect(again.store.append(draft('old', 'x'), 0).queueOffset).toBe(ended);
    await stop(again);
  }
});
