/**
 * Growing a topic that has message groups. A message group may lie in another queue of the larger topic;
 * so that its order holds, in this order, without stopping writes:
 *
 *  1. The broker logs where each of its queues ends, with the new number of queues, and from that turn on
 *     refuses messages whose queue was chosen of the smaller number: the proxy chooses again once it knows.
 *  2. A FIFO group of consumers sees the new queues once it has finished what the old ones held then.
 *
 * Whether it has follows from its ledgers, so nothing is logged when they open.
 */
import { hasMessageGroups, type TopicConfig } from '../api/topic';
import { Code, StatusError } from '../message/status';
import type { MessageStore } from '../store/message-store';
import type { StoredTopic } from './metadata';
import type { GroupTopic } from './pop/group-topic';

/** Growths that some group may still have to pass; beyond: FORBIDDEN. */
const MAX_GROWTHS = 64;

export class Growth {
  /** Queues that a topic is going to have, while that is being logged. */
  private readonly growing = new Map<string, number>();

  constructor(
    private readonly store: MessageStore,
    private readonly isFifo: (group: string) => boolean,
    /** The ledgers of all groups of a topic. */
    private readonly ledgersOf: (topic: string) => Iterable<GroupTopic>,
  ) {}

  /**
   * The topic with what must be kept of its growths; from now on messages for its smaller form are refused.
   * @throws StatusError FORBIDDEN when groups of consumers have too many growths before them
   */
  begin(config: TopicConfig, known: StoredTopic | undefined): StoredTopic {
    if (known === undefined) return { ...config };
    const groups = [...this.ledgersOf(known.name)].filter(({ group }) => this.isFifo(group));
    const growths = (known.growths ?? []).filter((ends) =>
      groups.some((ledgers) => !hasPassed(ledgers, ends)),
    );
    if (config.queues > known.queues && hasMessageGroups(known.type)) {
      if (growths.length >= MAX_GROWTHS) {
        throw new StatusError(
          Code.FORBIDDEN,
          `topic ${known.name} has grown ${growths.length} times beyond what consumers have finished, the limit is ${MAX_GROWTHS}`,
        );
      }
      growths.push(
        Array.from({ length: known.queues }, (_, id) => this.store.nextOffset(known.name, id)),
      );
      this.growing.set(known.name, config.queues);
    }
    return growths.length === 0 ? { ...config } : { ...config, growths };
  }

  /** The larger form is in force, or could not be logged. */
  end(topic: string): void {
    this.growing.delete(topic);
  }

  /**
   * Checks a message of a message group.
   * @param chosenOf how many queues a broker had when its queue was chosen; `undefined` for any
   * @throws StatusError NOT_FOUND when the topic has more of them
   */
  check(topic: TopicConfig, chosenOf: number | undefined): void {
    if (chosenOf === undefined) return;
    const queues = this.growing.get(topic.name) ?? topic.queues;
    // Of more: another broker has grown first.
    if (chosenOf >= queues) return;
    throw new StatusError(
      Code.NOT_FOUND,
      `the queue was chosen of ${chosenOf}, topic ${topic.name} has ${queues}`,
    );
  }

  /** How many queues of a topic are open to a group of consumers. */
  openQueues(ledgers: GroupTopic, topic: StoredTopic | undefined): number {
    const { growths, queues } = topic ?? { queues: 0 };
    if (growths === undefined || !this.isFifo(ledgers.group)) return queues;
    const closed = growths.find((ends) => !hasPassed(ledgers, ends));
    ledgers.gated = closed !== undefined;
    return closed?.length ?? queues;
  }
}

/** Whether a group has finished all that lies below these ends of queues. */
function hasPassed(ledgers: GroupTopic, ends: readonly number[]): boolean {
  return ends.every((end, queueId) => (ledgers.queues.get(queueId)?.committed ?? 0) >= end);
}
