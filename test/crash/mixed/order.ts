/**
 * The order of a message group. Its messages are sent one after the other, each when the one before was answered
 * OK. When a receive brings one of them, those sent before it came with it, ahead of it, or were finished before:
 * acknowledged or dead letters. And what was finished then does not come in a later receive.
 */
import { type Delivery, type History, mayBeDone, type Story } from './history';

interface Batch {
  readonly receive: number;
  readonly seenMs: number;
  /** In the order in which they came. */
  readonly stories: Story[];
}

/** What broke the order, in words. */
export function outOfOrder(history: History): readonly string[] {
  const groups = new Map<string, Story[]>();
  for (const story of history.stories.values()) {
    if (story.kind === 'fifo') listOf(groups, story.messageGroup).push(story);
  }
  return [...groups.values()].flatMap((group) =>
    judgeGroup(
      group.sort((a, b) => a.sequence - b.sequence),
      history.wallOffsetMs,
    ),
  );
}

function judgeGroup(group: readonly Story[], wallOffsetMs: number): readonly string[] {
  const found: string[] = [];
  const batches = batchesOf(group);
  const finished = group.map((story) => firstFinishMs(story, wallOffsetMs));
  const at = new Map(group.map((story, place) => [story, place]));
  /** The latest finish of all messages before each place, and the message. */
  const before: { readonly ms: number; readonly story: Story | undefined }[] = [];
  let latest: { readonly ms: number; readonly story: Story | undefined } = {
    ms: -Infinity,
    story: undefined,
  };
  group.forEach((story, place) => {
    before.push(latest);
    const ms = finished[place] ?? Infinity;
    if (ms > latest.ms) latest = { ms, story };
  });
  /** From each message on: when a receive first passed all that is before it. */
  const passedMs = group.map(() => Infinity);
  for (const { stories, seenMs } of batches) {
    const places = stories.map((story) => at.get(story) ?? 0);
    const sorted = [...places].sort((a, b) => a - b);
    if (places.some((place, i) => place !== sorted[i])) {
      found.push(`${stories.map(({ messageId }) => messageId).join(', ')} came in this order`);
    }
    const [lowest = 0] = sorted;
    const highest = sorted.at(-1) ?? 0;
    passedMs[lowest] = Math.min(passedMs[lowest] ?? Infinity, seenMs);
    const held = before[lowest];
    const first = group[lowest];
    if (held?.story !== undefined && held.ms > seenMs) {
      found.push(`${first?.messageId ?? ''} came before ${held.story.messageId} was finished`);
    }
    for (let place = lowest + 1; place < highest; place++) {
      const story = group[place];
      if (story === undefined || places.includes(place)) continue;
      const later = stories.find((other) => (at.get(other) ?? 0) > place);
      if ((finished[place] ?? Infinity) > seenMs) {
        found.push(`${later?.messageId ?? ''} came before ${story.messageId} was finished`);
      }
      found.push(...cameAfter(story, seenMs));
    }
  }
  let earliest = Infinity;
  for (let place = group.length - 1; place >= 0; place--) {
    const story = group[place];
    if (story !== undefined) found.push(...cameAfter(story, earliest));
    earliest = Math.min(earliest, passedMs[place] ?? Infinity);
  }
  return found;
}

/** Deliveries by receives that were called when a later message of the group had come without this one. */
function cameAfter(story: Story, passedMs: number): readonly string[] {
  return story.deliveries
    .filter(({ askedMs }) => askedMs > passedMs)
    .map(({ attempt }) => `${story.messageId} came with attempt ${attempt} after a later one`);
}

/** When a message may first have been finished. */
function firstFinishMs({ acknowledgements, deadLetters }: Story, wallOffsetMs: number): number {
  const asked = acknowledgements.filter((call) => mayBeDone([call])).map(({ askedMs }) => askedMs);
  const moved = deadLetters.map(({ storedWallMs }) => storedWallMs - wallOffsetMs);
  return Math.min(Infinity, ...asked, ...moved);
}

function batchesOf(group: readonly Story[]): readonly Batch[] {
  const byReceive = new Map<number, { story: Story; delivery: Delivery }[]>();
  for (const story of group) {
    for (const delivery of story.deliveries) {
      listOf(byReceive, delivery.receive).push({ story, delivery });
    }
  }
  return [...byReceive].map(([receive, parts]) => ({
    receive,
    seenMs: parts[0]?.delivery.seenMs ?? 0,
    stories: parts.sort((a, b) => a.delivery.nth - b.delivery.nth).map(({ story }) => story),
  }));
}

function listOf<K, V>(lists: Map<K, V[]>, key: K): V[] {
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = []));
  return list;
}
