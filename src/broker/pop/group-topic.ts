/** The ledgers of each consumer group on each topic, by name. */
import { javaHashCode } from '../../message/java-hash';
import type { PassedOver } from './passed-over';
import type { QueueLedger } from './queue-ledger';

/** What the topics of one consumer group have in common. */
export interface GroupLoad {
  /** Messages that have a row: in flight, ready again, or waiting for their message group. */
  unfinished: number;
}

/** The ledgers of one consumer group on one topic. */
export class GroupTopic {
  readonly queues = new Map<number, QueueLedger>();
  readonly groupHash: number;
  readonly topicHash: number;
  /** Where the next pop begins to look, so that no queue is preferred. */
  rotation = 0;
  /** Priorities that wait for higher ones; `undefined` until a pop has passed over one. */
  passedOver: PassedOver | undefined;
  /** Messages that retention removed, not finished and not copied, since the process began. */
  expired = 0;
  /** Whether the group has not finished here what an older generation of the topic held; see ../growth. */
  gated = false;
  /** The newest generation that the group has finished on all brokers of the topic, as far as is known. */
  opened = 0;
  /** The topic's generation when the group began on it, here or on an earlier broker. */
  since = 1;
  /** Set when the group or the topic was deleted, or the group began anew. */
  dropped = false;

  constructor(
    readonly group: string,
    readonly topic: string,
    /** That of its queues as long as they are not reset; handles of an older one are void. */
    readonly generation: number,
    /** The same for all topics of the group. */
    readonly load: GroupLoad = { unfinished: 0 },
  ) {
    this.groupHash = javaHashCode(group);
    this.topicHash = javaHashCode(topic);
  }
}

/** All of them. */
export class GroupTopics {
  private readonly groups = new Map<string, Map<string, GroupTopic>>();
  private readonly groupsByTopic = new Map<string, Set<string>>();

  find(group: string, topic: string): GroupTopic | undefined {
    return this.groups.get(group)?.get(topic);
  }

  *all(): IterableIterator<GroupTopic> {
    for (const topics of this.groups.values()) yield* topics.values();
  }

  *ofTopic(topic: string): IterableIterator<GroupTopic> {
    for (const group of this.groupsByTopic.get(topic) ?? []) {
      const ledgers = this.find(group, topic);
      if (ledgers !== undefined) yield ledgers;
    }
  }

  topicsOf(group: string): IterableIterator<GroupTopic> {
    return (this.groups.get(group) ?? new Map<string, GroupTopic>()).values();
  }

  /** What the group's topics share, also when it has none yet. */
  protected loadOf(group: string): GroupLoad {
    for (const { load } of this.topicsOf(group)) return load;
    return { unfinished: 0 };
  }

  protected put(ledgers: GroupTopic): void {
    const { group, topic } = ledgers;
    let topics = this.groups.get(group);
    if (topics === undefined) {
      topics = new Map();
      this.groups.set(group, topics);
    }
    topics.set(topic, ledgers);
    let groups = this.groupsByTopic.get(topic);
    if (groups === undefined) {
      groups = new Set();
      this.groupsByTopic.set(topic, groups);
    }
    groups.add(group);
  }

  protected remove({ group, topic }: GroupTopic): void {
    const topics = this.groups.get(group);
    topics?.delete(topic);
    if (topics?.size === 0) this.groups.delete(group);
    const groups = this.groupsByTopic.get(topic);
    groups?.delete(group);
    if (groups?.size === 0) this.groupsByTopic.delete(topic);
  }
}
