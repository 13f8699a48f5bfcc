import { type Delivery, History, isUnknown, type Story } from '../../crash/mixed/history';

/**
 * The history of a cluster of several brokers. A message without a message group whose send was not answered, and was
 * repeated, may lie on two brokers (docs/guarantees.md): the copy of the second one has a story of its own.
 */
export class ClusterHistory extends History {
  private readonly brokers = new Map<Story, string>();
  private readonly copies = new Map<string, Story>();

  /** As `deliver`, from a broker. */
  deliverFrom(
    broker: string,
    messageId: string,
    body: Buffer,
    delivery: Delivery,
    dead: boolean,
  ): Story | undefined {
    const first = this.stories.get(messageId);
    if (first === undefined) return this.deliver(messageId, body, delivery, dead);
    const story = this.storyOn(broker, first);
    if (story === first) return this.deliver(messageId, body, delivery, dead);
    this.lastDeliveryMs = Math.max(this.lastDeliveryMs, delivery.seenMs);
    (dead ? story.deadLetters : story.deliveries).push(delivery);
    return story;
  }

  private storyOn(broker: string, first: Story): Story {
    const known = this.brokers.get(first) ?? broker;
    this.brokers.set(first, known);
    const mayBeTwo = first.kind !== 'fifo' && first.sends.some(isUnknown);
    if (known === broker || !mayBeTwo) return first;
    const messageId = `${first.messageId} on ${broker}`;
    let copy = this.copies.get(messageId);
    if (copy === undefined) {
      const { kind, dueMs, resolution, ends } = first;
      copy = this.begin({ messageId, kind, dueMs, resolution });
      copy.sends.push(...first.sends.filter(isUnknown));
      copy.ends.push(...ends);
      this.copies.set(messageId, copy);
    }
    return copy;
  }
}
