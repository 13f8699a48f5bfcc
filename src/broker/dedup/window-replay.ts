/** Reading the messages that were stored since some time, in log order. */
import { storeTimestampOf } from '../../message/record-property';
import type { MessageStore } from '../../store/message-store';

/** Queues that are searched by time for the place to begin at; more would save little. */
const MAX_SEARCHES = 64;

interface Topic {
  readonly name: string;
  readonly queues: number;
}

/**
 * Calls `visit` with each message of `topics` that was stored at `fromMs` or later and lies below the position `to`;
 * see `MessageStore.replay`.
 */
export async function replayWindow(
  store: MessageStore,
  topics: readonly Topic[],
  { fromMs, to }: { readonly fromMs: number; readonly to: number },
  visit: (record: Buffer) => void,
): Promise<void> {
  const from = await positionBefore(store, topics, fromMs);
  if (from >= to) return;
  const names = topics.map(({ name }) => name);
  const ifLater = (record: Buffer): void => {
    if (storeTimestampOf(record) >= fromMs) visit(record);
  };
  await store.replay(names, from, ifLater, to);
}

/**
 * A position below which all was stored before `timeMs`. Store times never fall along the log, so
 * the last older message of any queue is one; the largest of some queues is close to the best.
 */
async function positionBefore(
  store: MessageStore,
  topics: readonly Topic[],
  timeMs: number,
): Promise<number> {
  let position = 0;
  let searches = 0;
  for (const { name, queues } of topics) {
    for (let queueId = 0; queueId < queues; queueId++) {
      const [min, max] = [store.minOffset(name, queueId), store.maxOffset(name, queueId)];
      if (min === max) continue;
      const [last] = await store.entries(name, queueId, max - 1, 1);
      if (last === undefined || last.physicalOffset <= position) continue;
      if (searches++ === MAX_SEARCHES) return position;
      const since = await store.finder.offsetByTime(name, queueId, timeMs, 'lower');
      if (since === min) continue;
      const [older] = await store.entries(name, queueId, since - 1, 1);
      position = Math.max(position, older?.physicalOffset ?? 0);
    }
  }
  return position;
}
