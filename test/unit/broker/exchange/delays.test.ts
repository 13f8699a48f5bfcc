/** Delayed messages that wait when a directory goes to Apache RocketMQ and comes back. */
import { ApacheTimerWriter, readApacheTimer } from '../../../../src/broker/exchange/apache-timer';
import { slotOf } from '../../../../src/message/delayed';
import { encodeProperties } from '../../../../src/message/properties';
import { draftRecord } from '../../../../src/message/record-draft';
import type { Appended } from '../../../../src/store/message-store';
import { readyBench, type BrokerBench } from '../../../support/broker-bench';
import { popIds, recall, sendIn, wall } from '../../../support/delayed';

const WHEEL = 'rmq_sys_wheel_timer';
const SCHEDULE = 'SCHEDULE_TOPIC_XXXX';
const NOTE = '/broker/gantry/exchange.json';
const DAY_MS = 86_400_000;

async function stop(bench: BrokerBench): Promise<void> {
  await bench.drive(bench.running?.stop() ?? Promise.resolve());
}

/** Starts again as after Apache. */
async function comeBack(bench: BrokerBench): Promise<void> {
  await bench.platform.files.writeFile('/broker/abort.bak', '');
  await bench.open();
}

/** Appends a record as Apache's broker writes it. */
function append(
  bench: BrokerBench,
  topic: string,
  id: string,
  properties: Readonly<Record<string, string>>,
  queueId = 0,
): Appended {
  if (bench.running === undefined) throw new Error('not open');
  const pairs = Object.entries({ UNIQ_KEY: id, REAL_TOPIC: 't', REAL_QID: '0', ...properties });
  return bench.running.store.append(
    draftRecord({
      ...{ topic, body: Buffer.from(id), properties: encodeProperties(pairs) },
      ...{ tag: '', bornTimestamp: 1 },
    }),
    queueId,
    true,
  );
}

/** A record of Apache's timer. */
function timed(
  bench: BrokerBench,
  id: string,
  dueMs: number,
  properties: Readonly<Record<string, string>> = {},
): Appended {
  return append(bench, WHEEL, id, { TIMER_OUT_MS: String(slotOf(dueMs)), ...properties });
}

/** Leaves the files of a timer that knows of these records, and has not read on from `queueOffset`. */
async function leaveTimer(
  bench: BrokerBench,
  waiting: readonly (readonly [Appended, dueMs: number])[],
  queueOffset: number,
): Promise<void> {
  const writer = new ApacheTimerWriter(bench.platform.files, '/broker', wall(bench));
  await writer.begin();
  for (const [{ physicalOffset, endOffset }, dueMs] of waiting) {
    await writer.add({ dueMs, position: physicalOffset, bytes: endOffset - physicalOffset });
  }
  await writer.replace(queueOffset, 1);
}

/** Ids of what comes until so much later. */
async function popWithin(bench: BrokerBench, ms: number): Promise<string[]> {
  await bench.sim.advance(ms);
  return popIds(bench);
}

const positionsOf = async (bench: BrokerBench): Promise<number> =>
  (await readApacheTimer(bench.platform.files, '/broker'))?.positions.length ?? -1;

describe('what waits at Apache', () => {
  it('is delivered at its time and once: from the timerlog, from the queue, and by delay level', async () => {
    const bench = await readyBench();
    const dueMs = wall(bench) + 20_000;
    const done = timed(bench, 'done', dueMs);
    const logged = timed(bench, 'logged', dueMs, { TIMER_DELIVER_MS: String(dueMs) });
    timed(bench, 'read', dueMs + 10_500);
    append(bench, SCHEDULE, 'level done', { DELAY: '5' }, 4);
    append(bench, SCHEDULE, 'level', { DELAY: '5' }, 4);
    append(bench, SCHEDULE, 'low level', { DELAY: '3' }, 2);
    await stop(bench);
    await leaveTimer(bench, [[logged, dueMs]], done.queueOffset + 2);
    await bench.platform.files.writeFile(
      '/broker/config/delayOffset.json',
      '{"offsetTable":{5:1}}',
    );
    await comeBack(bench);
    expect(await popWithin(bench, 9900)).toEqual([]);
    expect(await popWithin(bench, 200)).toEqual(['low level']);
    expect(await popWithin(bench, 9800)).toEqual([]);
    expect(await popWithin(bench, 150)).toEqual(['logged']);
    // What says only the second is due when that is over.
    expect(await popWithin(bench, 10_400)).toEqual([]);
    expect(await popWithin(bench, 700)).toEqual(['read']);
    await bench.restart();
    expect(await popWithin(bench, 40_000)).toEqual(['level']);
    await bench.restart();
    expect(await popWithin(bench, 100_000)).toEqual([]);
  });

  it('is not delivered when it was taken back, or is what a pop has left', async () => {
    const bench = await readyBench();
    const dueMs = wall(bench) + 20_000;
    timed(bench, 'a', dueMs);
    timed(bench, 'b', dueMs);
    timed(bench, 'c', dueMs);
    timed(bench, 'x', dueMs, { TIMER_DEL_UNIQKEY: 'a' });
    timed(bench, 'y', dueMs, { TIMER_DEL_UNIQKEY: 't+b' });
    timed(bench, 'z', dueMs + 1000, { TIMER_DEL_UNIQKEY: 'c' });
    timed(bench, 'ck', dueMs, { REAL_TOPIC: 'rmq_sys_REVIVE_LOG_DefaultCluster' });
    await stop(bench);
    await leaveTimer(bench, [], 0);
    await comeBack(bench);
    expect(await popWithin(bench, 30_000)).toEqual(['c']);
  });

  it('is not delivered again when Apache was killed after it had delivered it', async () => {
    const bench = await readyBench();
    const dueMs = wall(bench) + 1000;
    const properties = { TIMER_DELIVER_MS: String(dueMs), TIMER_OUT_MS: String(slotOf(dueMs)) };
    timed(bench, 'a', dueMs, properties);
    timed(bench, 'b', dueMs, properties);
    append(bench, SCHEDULE, 'c', { DELAY: '1' });
    append(bench, 't', 'a', { ...properties, TIMER_DEQUEUE_MS: '1' });
    append(bench, 't', 'c', { DELAY: '1' });
    await stop(bench);
    await leaveTimer(bench, [], 0);
    await comeBack(bench);
    expect((await popWithin(bench, 30_000)).sort()).toEqual(['a', 'b', 'c']);
  });

  it('is taken over once, also when the start before came to no end', async () => {
    const bench = await readyBench();
    const dueMs = wall(bench) + 20_000;
    timed(bench, 'a', dueMs);
    await stop(bench);
    await leaveTimer(bench, [], 0);
    const { files } = bench.platform;
    const note = await files.readFile(NOTE);
    await comeBack(bench);
    await bench.kill(async (disk) => {
      await disk.writeFile(NOTE, note ?? '');
      await disk.writeFile('/broker/abort.bak', '');
    });
    expect(await popWithin(bench, 30_000)).toEqual(['a']);
  });
});

describe('what waits at Gantry', () => {
  it('is in the files of the timer after a stop, and is delivered by Apache or by Gantry', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'ours', 20_000);
    await sendIn(bench, 'theirs', 20_000);
    await sendIn(bench, 'far', 3 * DAY_MS);
    await stop(bench);
    // And the record behind which Apache goes on.
    expect(await positionsOf(bench)).toBe(4);
    await bench.open();
    expect((await popWithin(bench, 30_000)).sort()).toEqual(['ours', 'theirs']);
    await stop(bench);
    expect(await positionsOf(bench)).toBe(2);
  });

  it('is not delivered by both: what Apache has done with does not wait any more', async () => {
    const bench = await readyBench();
    const oursMs = await sendIn(bench, 'ours', 20_000);
    const theirsMs = await sendIn(bench, 'theirs', 20_000);
    await stop(bench);
    const before = await readApacheTimer(bench.platform.files, '/broker');
    const [position = 0] = before?.positions ?? [];
    const kept = {
      physicalOffset: position,
      endOffset: position,
      queueOffset: 0,
      storeTimestamp: 0,
    };
    await leaveTimer(bench, [[kept, oursMs]], before?.queueOffset ?? 0);
    await comeBack(bench);
    await expect(recall(bench, 'theirs', theirsMs)).rejects.toThrow('delivered already');
    expect(await popWithin(bench, 30_000)).toEqual(['ours']);
    await bench.restart();
    expect(await popWithin(bench, 30_000)).toEqual([]);
  });

  it('waits on when Apache has taken back another message of the same second only', async () => {
    const bench = await readyBench();
    const dueMs = await sendIn(bench, 'kept', 20_000);
    await sendIn(bench, 'taken back', 20_000);
    timed(bench, 'x', dueMs, { TIMER_DEL_UNIQKEY: 'taken back' });
    await stop(bench);
    const before = await readApacheTimer(bench.platform.files, '/broker');
    const [first = 0, second = 0] = before?.positions ?? [];
    const unit = (physicalOffset: number): readonly [Appended, number] => [
      { physicalOffset, endOffset: physicalOffset, queueOffset: 0, storeTimestamp: 0 },
      dueMs,
    ];
    await leaveTimer(bench, [unit(first), unit(second)], 0);
    await comeBack(bench);
    expect(await popWithin(bench, 30_000)).toEqual(['kept']);
  });

  it('waits on when it was sent after the last stop, of which Apache knows nothing', async () => {
    const bench = await readyBench();
    await sendIn(bench, 'handed over', 20_000);
    await bench.restart();
    await sendIn(bench, 'not known', 20_000);
    await bench.kill(async (disk) => {
      await disk.writeFile('/broker/abort.bak', '');
    });
    expect((await popWithin(bench, 30_000)).sort()).toEqual(['handed over', 'not known']);
  });

  it('leaves nothing to do for the delay levels', async () => {
    const bench = await readyBench();
    append(bench, SCHEDULE, 'a', { DELAY: '5' }, 4);
    append(bench, SCHEDULE, 'b', { DELAY: '5' }, 4);
    await bench.sim.advance(1000);
    await stop(bench);
    const file = await bench.platform.files.readFile('/broker/config/delayOffset.json');
    expect(file?.toString()).toContain('"offsetTable":{\n\t\t5:2\n\t}');
  });

  it('leaves no files of a timer where nothing ever waited', async () => {
    const bench = await readyBench();
    await stop(bench);
    expect(await positionsOf(bench)).toBe(-1);
    expect(await bench.platform.files.list('/broker/timerlog')).toEqual([]);
  });
});
