/**
 * Hands what waits over to Apache at a stop: the files of its timer name our waiting records, which it
 * delivers from where they are.
 */
import { DELAY_LEVELS, SCHEDULE_TOPIC } from '../../message/delay-levels';
import { slotOf } from '../../message/delayed';
import { encodeProperties, Property } from '../../message/properties';
import { draftRecord, type RecordDraft } from '../../message/record-draft';
import type { Clock, Files } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { Timer } from '../timer/timer';
import { printJson, type JsonObject } from './apache-json';
import { nextVersion, objectIn } from './apache-shapes';
import { ApacheTimerWriter, readApacheTimer } from './apache-timer';
import type { ConfigFiles } from './config-files';
import { TIMER_TOPIC as WHEEL_TOPIC } from './pop-checkpoints';

export interface DelayExportParts {
  readonly store: MessageStore;
  readonly files: Files;
  readonly configs: ConfigFiles;
  readonly directory: string;
  readonly clock: Clock;
  readonly timer: Timer;
}

/**
 * Writes the files; nothing is delivered any more. Where nothing waits and Apache never was, there are none.
 * @returns the end of the log that they tell of
 */
export async function exportDelays(parts: DelayExportParts): Promise<number> {
  const { store, files, directory, clock, timer } = parts;
  const before = await readApacheTimer(files, directory);
  if (timer.waiting > 0 || before !== undefined) {
    const writer = new ApacheTimerWriter(files, directory, clock.wallMs());
    await writer.begin();
    await timer.eachWaiting(async (entries) => {
      for (const entry of entries) await writer.add(entry);
    });
    if (timer.waiting > 0) {
      const draft = lastDraft(clock.wallMs());
      const { physicalOffset, endOffset } = store.append(draft, 0, true);
      await store.synced(endOffset);
      await writer.addDelete(physicalOffset, draft.byteLength);
    }
    await writer.replace(store.maxOffset(WHEEL_TOPIC, 0), (before?.counter ?? 0) + 1);
  }
  await exportLevels(parts);
  return store.visible;
}

/**
 * Apache's timer goes on in rmq_sys_wheel_timer behind the record of the last unit, which must so be one of that
 * topic: this one takes back a message that nobody has sent.
 */
function lastDraft(nowMs: number): RecordDraft {
  const properties = encodeProperties([
    [Property.TIMER_DEL_UNIQKEY, 'GANTRY_EXCHANGE'],
    [Property.TIMER_OUT_MS, String(slotOf(nowMs))],
    [Property.REAL_TOPIC, WHEEL_TOPIC],
    [Property.REAL_QID, '0'],
  ]);
  const body = Buffer.from('-');
  return draftRecord({ topic: WHEEL_TOPIC, body, properties, tag: '', bornTimestamp: nowMs });
}

/** What waited for a delay level waits with us: Apache has nothing left to do there. */
async function exportLevels({ store, configs, clock }: DelayExportParts): Promise<void> {
  const ends: JsonObject = new Map();
  for (let level = 1; level <= DELAY_LEVELS; level++) {
    const end = store.maxOffset(SCHEDULE_TOPIC, level - 1);
    if (end > 0) ends.set(level, end);
  }
  const before = (await configs.read('delayOffset.json')) ?? new Map();
  if (printJson(ends) === printJson(objectIn(before, 'offsetTable'))) return;
  const version = nextVersion(objectIn(before, 'dataVersion'), clock.wallMs());
  const file: JsonObject = new Map([
    ['dataVersion', version],
    ['offsetTable', ends],
  ]);
  await configs.replace('delayOffset.json', printJson(file));
}
