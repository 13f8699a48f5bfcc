/** A delivery as the checker sees it. */
export interface Delivery {
  readonly messageId: string;
  readonly body: Buffer;
  readonly attempt: number;
  /** When the receive that brought it was called, on the checker's clock. */
  readonly askedMs: number;
}

interface Acknowledged {
  readonly attempt: number;
  readonly answeredMs: number;
}

/** The body that belongs to a message id: what is stored under one must not come back under another. */
export function bodyOf(messageId: string): Buffer {
  return Buffer.from(`${messageId} `.repeat(8));
}

/**
 * What was asked of the broker and what it answered, kept outside of it. It holds the broker to this:
 * 1. a message whose send was answered OK is delivered;
 * 2. nothing is delivered whose send was never made, and nothing with another body;
 * 3. a message whose acknowledgement was answered OK is not delivered again.
 *
 * On 3: an answer can be overtaken on its way by an earlier delivery. So a delivery breaks the rule only when its
 * receive was called after the acknowledgement was answered, or when it counts as a later attempt than the
 * acknowledged one.
 */
export class History {
  /** What broke rules 2 and 3, in words. */
  readonly violations: string[] = [];
  private readonly made = new Set<string>();
  private readonly answered = new Set<string>();
  private readonly delivered = new Set<string>();
  private readonly acknowledged = new Map<string, Acknowledged>();
  private readonly unanswered = new Set<string>();
  private redelivered = 0;

  sendMade(messageId: string): void {
    this.made.add(messageId);
  }

  sendAnsweredOk(messageId: string): void {
    this.answered.add(messageId);
  }

  acknowledgedOk(messageId: string, attempt: number, answeredMs: number): void {
    const before = this.acknowledged.get(messageId);
    if (before === undefined) this.acknowledged.set(messageId, { attempt, answeredMs });
    else if (attempt > before.attempt) this.acknowledged.set(messageId, { ...before, attempt });
  }

  /** The acknowledgement may have been carried out: the message may come again or not. */
  acknowledgementUnanswered(messageId: string): void {
    this.unanswered.add(messageId);
  }

  deliver(delivery: Delivery): void {
    const { messageId, body, attempt, askedMs } = delivery;
    if (!this.made.has(messageId)) {
      this.violations.push(`${messageId} was delivered, but never sent`);
    } else if (!body.equals(bodyOf(messageId))) {
      this.violations.push(`${messageId} was delivered with another body`);
    }
    const done = this.acknowledged.get(messageId);
    if (done !== undefined && (askedMs > done.answeredMs || attempt > done.attempt)) {
      this.violations.push(
        `${messageId} was delivered again with attempt ${attempt}, ${Math.round(askedMs - done.answeredMs)} ms ` +
          `after the acknowledgement of attempt ${done.attempt} was answered`,
      );
    }
    if (this.delivered.has(messageId)) this.redelivered++;
    this.delivered.add(messageId);
  }

  /** Messages whose send was answered OK and that never came: what breaks rule 1 once all is drained. */
  missing(): readonly string[] {
    return [...this.answered].filter((messageId) => !this.delivered.has(messageId));
  }

  /** Delivered messages of which no acknowledgement was answered OK or lost: they must come again. */
  unfinished(): readonly string[] {
    return [...this.delivered].filter(
      (messageId) => !this.acknowledged.has(messageId) && !this.unanswered.has(messageId),
    );
  }

  counts(): {
    readonly sent: number;
    readonly answered: number;
    readonly delivered: number;
    readonly redelivered: number;
    readonly acknowledged: number;
  } {
    return {
      sent: this.made.size,
      answered: this.answered.size,
      delivered: this.delivered.size,
      redelivered: this.redelivered,
      acknowledged: this.acknowledged.size,
    };
  }
}
