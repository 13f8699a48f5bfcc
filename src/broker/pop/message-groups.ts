/**
 * The message groups of one queue that have unfinished messages: what keeps the order of each.
 *
 *     group --> offsets of its unfinished messages, ascending: held by a consumer, ready, or not delivered yet
 *
 * A message is delivered only while no message of its group is held, the smallest offset first, and
 * further ones of the group with it in the same answer. So what comes again comes before all that
 * follow it, and only the group of an unfinished message waits.
 */
import { Property } from '../../message/properties';
import { findProperty, propertyKey } from '../../message/record-property';

/** Stands for messages without a group: they wait for nobody. */
export const NO_GROUP = 0;

/** Stands for the group that all messages of a lite topic are in. */
export const WHOLE_QUEUE = 1;

const GROUP_KEY = propertyKey(Property.SHARDINGKEY);

/** One message group; two whose names have the same hash count as one. */
export class MessageGroup {
  /** Ascending. */
  readonly offsets: number[] = [];
  /** How many of them a consumer holds. */
  held = 0;

  constructor(readonly hash: number) {}

  /** The message that may be delivered next, when nobody holds one. */
  get head(): number | undefined {
    return this.held === 0 ? this.offsets[0] : undefined;
  }
}

export class MessageGroups {
  /** Made with the first one: most queues have none. */
  private groups: Map<number, MessageGroup> | undefined;
  private unfinished = 0;
  private held = 0;

  /** Messages that wait here: ready, or behind one that is held. */
  get waiting(): number {
    return this.unfinished - this.held;
  }

  /** Adds the newest message of a group. */
  add(hash: number, offset: number): MessageGroup {
    this.groups ??= new Map();
    let group = this.groups.get(hash);
    if (group === undefined) {
      group = new MessageGroup(hash);
      this.groups.set(hash, group);
    }
    group.offsets.push(offset);
    this.unfinished++;
    return group;
  }

  get(hash: number): MessageGroup | undefined {
    return this.groups?.get(hash);
  }

  /** Notes that a consumer has one message more, or one less, of a group. */
  hold(hash: number, change: 1 | -1): void {
    const group = this.groups?.get(hash);
    if (group === undefined) return;
    group.held += change;
    this.held += change;
  }

  /** Takes a finished message, held by nobody, out of its group. */
  finish(hash: number, offset: number): void {
    const group = this.groups?.get(hash);
    const at = group === undefined ? -1 : indexOf(group.offsets, offset);
    if (group === undefined || at < 0) return;
    if (at === 0) group.offsets.shift();
    else group.offsets.splice(at, 1);
    this.unfinished--;
    if (group.offsets.length === 0) this.groups?.delete(hash);
  }
}

/** The hash of a stored message's group; `NO_GROUP` when it has none. Hot path. */
export function groupHashOf(record: Buffer): number {
  const group = findProperty(record, GROUP_KEY);
  if (group === undefined || group === '') return NO_GROUP;
  let hash = 0x811c9dc5;
  for (let i = 0; i < group.length; i++) {
    hash = Math.imul(hash ^ group.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = (hash ^ (hash >>> 13)) | 0;
  return hash === NO_GROUP ? 1 : hash;
}

/** Where an offset stands in an ascending list; -1 when it is not there. */
function indexOf(offsets: readonly number[], offset: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = offsets[middle] ?? 0;
    if (found === offset) return middle;
    if (found < offset) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
