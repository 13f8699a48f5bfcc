import {
  type Acknowledgement,
  type Delivery,
  History,
  isUnknown,
  type Story,
} from '../../crash/mixed/history';

/**
 * The history of a cluster of several brokers. A message without a message group whose send was not answered, and was
 * repeated, may lie on two brokers (docs/guarantees.md): the copy of the second one has a story of its own.
 */
export class ClusterHistory extends History {
  private readonly brokers = new Map<Story, string>();
  private readonly copies = new Map<string, Story>();

  /** As `deliver`, from a broker. Whether somebody sent it. */
  deliverFrom(
    broker: string,
    messageId: string,
    body: Buffer,
    delivery: Delivery,
    dead: boolean,
  ): boolean {
    const first = this.stories.get(messageId);
    const story = first && this.storyOn(broker, first);
    if (story === first) return this.deliver(messageId, body, delivery, dead) !== undefined;
    this.lastDeliveryMs = Math.max(this.lastDeliveryMs, delivery.seenMs);
    (dead ? story?.deadLetters : story?.deliveries)?.push(delivery);
    return true;
  }

  /** A delivery from a broker was acknowledged. */
  acknowledge(broker: string, messageId: string, call: Acknowledgement): void {
    const first = this.stories.get(messageId);
    if (first !== undefined) this.storyOn(broker, first).acknowledgements.push(call);
  }

  /** It is known which broker has answered the send of a message OK: what is on another one is the copy. */
  keptBy(broker: string, story: Story): void {
    const known = this.brokers.get(story);
    this.brokers.set(story, broker);
    if (known === undefined || known === broker || !mayBeTwo(story)) return;
    const copy = this.copyOn(known, story);
    copy.deliveries.push(...story.deliveries.splice(0));
    copy.deadLetters.push(...story.deadLetters.splice(0));
    copy.acknowledgements.push(...story.acknowledgements.splice(0));
  }

  private storyOn(broker: string, first: Story): Story {
    const known = this.brokers.get(first) ?? broker;
    this.brokers.set(first, known);
    return known === broker || !mayBeTwo(first) ? first : this.copyOn(broker, first);
  }

  private copyOn(broker: string, first: Story): Story {
    const messageId = `${first.messageId} on ${broker}`;
    let copy = this.copies.get(messageId);
    if (copy === undefined) {
      // An end is one call for both, and may be under way: it is written down when it has its answer.
      const { kind, dueMs, resolution, ends } = first;
      const sends = first.sends.filter(isUnknown);
      copy = this.begin({ messageId, kind, dueMs, resolution, sends, ends });
      this.copies.set(messageId, copy);
    }
    return copy;
  }
}

function mayBeTwo({ kind, sends }: Story): boolean {
  return kind !== 'fifo' && sends.some(isUnknown);
}
