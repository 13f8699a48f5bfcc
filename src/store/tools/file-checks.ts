/** Checks of a store's small files. */
import { readInt64 } from '../../message/int64';
import type { Files } from '../../platform/platform';
import { CHECKPOINT_BYTES } from '../checkpoint';
import { wholeJson } from '../kept-twice';
import { slotsOf } from '../mark';
import type { Report } from './finding';
import type { OfflineStore } from './offline-store';
import { errorText } from '../../platform/error-text';

/** What a walk over the log has found. */
export interface LogFacts {
  readonly segmentBytes: number;
  readonly queueFileEntries: number;
  readonly start: number;
  readonly end: number;
  readonly lastStoreTimestamp: number;
}

/** `checkpoint` and what lies in `gantry/`, but for the index and the exchange of directories. */
export async function checkSmallFiles(
  store: OfflineStore,
  log: LogFacts,
  report: Report,
): Promise<void> {
  await checkMark(store, log, report);
  await checkCheckpoint(store.files, store.layout.checkpoint, log, report);
  await checkTwiceKept(store, report);
  await checkKeys(store, report);
}

async function checkMark(store: OfflineStore, log: LogFacts, report: Report): Promise<void> {
  const file = 'gantry/mark';
  const wrong = (what: string, at?: number): void => {
    report({ kind: 'wrong', file, ...(at === undefined ? {} : { at }), what });
  };
  const bytes = await store.files.readFile(store.layout.mark);
  const { mark } = store;
  if (bytes === undefined) {
    const what = 'there is none: the whole log is read at the next start';
    report({ kind: 'note', file, what });
    return;
  }
  const slots = slotsOf(bytes);
  const sequence = Math.max(0, ...slots.map((slot) => slot.mark?.sequence ?? 0));
  for (const slot of slots) {
    // Both are written in turn: only before the second writing may one be empty.
    if (slot.mark === undefined && (!slot.empty || sequence > 1)) {
      wrong('its checksum is wrong', slot.at);
    }
  }
  if (mark === undefined) return wrong('neither of its two copies can be read');
  if (mark.syncedPosition > log.end) {
    wrong(`says that ${mark.syncedPosition} bytes were synced, the log ends at ${log.end}`);
  }
  if (store.stoppedCleanly && mark.cleanEnd >= 0 && mark.cleanEnd !== log.end) {
    wrong(`says that the log was closed at ${mark.cleanEnd}, it ends at ${log.end}`);
  }
}

async function checkCheckpoint(
  files: Files,
  path: string,
  log: LogFacts,
  report: Report,
): Promise<void> {
  const bytes = await files.readFile(path);
  const file = 'checkpoint';
  const wrong = (what: string): void => {
    report({ kind: 'wrong', file, what });
  };
  if (bytes === undefined) return;
  if (bytes.length !== CHECKPOINT_BYTES) {
    return wrong(`has ${bytes.length} bytes, not ${CHECKPOINT_BYTES}`);
  }
  try {
    const times = [0, 8, 16].map((at) => readInt64(bytes, at));
    const late = times.find((time) => time < 0 || time > log.lastStoreTimestamp);
    if (late !== undefined && log.lastStoreTimestamp > 0) {
      wrong(`has time ${late}, the last record is of ${log.lastStoreTimestamp}`);
    }
    const position = readInt64(bytes, 40);
    if (position < 0 || position > log.end) {
      wrong(`has position ${position}, the log ends at ${log.end}`);
    }
  } catch (error) {
    wrong(errorText(error));
  }
  if (bytes.subarray(48).some((byte) => byte !== 0)) wrong('has bytes where zeros belong');
}

const KEY = /^[0-9a-f]{32}$/;
const KEYS = 'gantry/handle-keys.json';
const TWICE_KEPT = ['gantry/deleted-topics.json', 'gantry/empty-queues.json', 'gantry/views.json'];

/** Both copies of what is kept twice. */
async function checkTwiceKept({ files, layout }: OfflineStore, report: Report): Promise<void> {
  for (const file of TWICE_KEPT) {
    const path = `${layout.root}/${file}`;
    if ((await files.stat(path)) === undefined) continue;
    for (const copy of ['', '.bak']) {
      if (wholeJson(await files.readFile(`${path}${copy}`)) !== undefined) continue;
      report({ kind: 'wrong', file: `${file}${copy}`, what: 'its checksum is wrong' });
    }
  }
}

/** Keys whose digits have changed cannot be told from others, as long as there are as many. */
async function checkKeys(store: OfflineStore, report: Report): Promise<void> {
  const bytes = await store.files.readFile(`${store.layout.root}/${KEYS}`);
  if (bytes === undefined || areKeys(bytes.toString())) return;
  report({ kind: 'wrong', file: KEYS, what: 'holds no keys: a broker does not start with it' });
}

function areKeys(text: string): boolean {
  try {
    const { signing, keys } = JSON.parse(text) as { signing?: unknown; keys?: unknown };
    if (typeof signing !== 'number' || typeof keys !== 'object' || keys === null) return false;
    return String(signing) in keys && Object.values(keys).every((key) => KEY.test(String(key)));
  } catch {
    return false;
  }
}
