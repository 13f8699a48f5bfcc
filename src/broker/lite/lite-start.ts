/** Where a group begins on a lite topic, when its client says so (`OffsetOption` of the API). */
import type { LiteStart } from '../../api/lite-api';
import type { MessageStore } from '../../store/message-store';

interface LitePlace {
  readonly topic: string;
  readonly queueId: number;
  /** The offset of the lite topic's first message. */
  readonly base: number;
  /** Where the group is. */
  readonly committed: number;
}

/** The queue offset; what is out of the lite topic's messages is its first one, or behind its last. */
export async function offsetOf(
  start: LiteStart,
  store: MessageStore,
  { topic, queueId, base, committed }: LitePlace,
): Promise<number> {
  const first = Math.max(base, store.minOffset(topic, queueId));
  const end = Math.max(first, store.maxOffset(topic, queueId));
  const within = (offset: number): number => Math.min(Math.max(offset, first), end);
  switch (start.at) {
    case 'beginning':
      return first;
    case 'end':
      return end;
    case 'offset':
      return within(base + start.offset);
    case 'tail':
      return within(committed - start.count);
    case 'time':
      return within(await store.finder.offsetByTime(topic, queueId, start.timeMs, 'lower'));
  }
}
