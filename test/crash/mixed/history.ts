import { bodyOf } from '../history';

export type Kind = 'normal' | 'fifo' | 'delay' | 'transaction';

/**
 * What became of a call. `refused`: a definite answer that it was not carried out. `unknown`: no answer, or one
 * that leaves it open: it was carried out, will be, or never is.
 */
export type Outcome = 'ok' | 'refused' | 'unknown';

/** A call that ended; times by the checker's monotonic clock. */
export interface Call {
  readonly askedMs: number;
  readonly endedMs: number;
  readonly outcome: Outcome;
  /** Code and text of a refusal. */
  readonly text: string;
}

/** A message in an answer that its consumer has read to the end. */
export interface Delivery {
  /** Of the receive: messages that came together have the same one. */
  readonly receive: number;
  /** Its place in the answer, 0 = first. */
  readonly nth: number;
  /** When the receive was called, the first one with its attempt id; and when its answer was there. */
  readonly askedMs: number;
  readonly seenMs: number;
  /** The same by the wall clock, which decides when delayed messages are due. */
  readonly seenWallMs: number;
  /** When the broker stored it there, by the broker's wall clock. */
  readonly storedWallMs: number;
  readonly attempt: number;
  readonly receiptHandle: string;
  /** Queue and offset: a message that was stored twice has two. */
  readonly place: string;
}

export interface Acknowledgement extends Call {
  readonly delivery: Delivery;
}

/** What a producer means to do with a message. */
export interface Intent {
  readonly messageId: string;
  readonly kind: Kind;
  /** '' for none. */
  readonly messageGroup: string;
  /** Among those of its message group, in the order sent. */
  readonly sequence: number;
  /** When a delayed message is due, by the wall clock. */
  readonly dueMs: number;
  readonly resolution: 'COMMIT' | 'ROLLBACK';
}

/** All that happened to one message. */
export interface Story extends Intent {
  readonly sends: Call[];
  readonly deliveries: Delivery[];
  /** Deliveries from the dead letter queue. */
  readonly deadLetters: Delivery[];
  readonly acknowledgements: Acknowledgement[];
  readonly recalls: Call[];
  /** Decisions about a transaction as its producer means it, and the opposite ones. */
  readonly ends: Call[];
  readonly oppositeEnds: Call[];
  /** When its producer was asked what became of it. */
  readonly checks: number[];
}

/** A receive without a whole answer: it may have taken messages, and counted an attempt of each. */
export interface LostReceive {
  readonly kind: Kind;
  readonly fromMs: number;
  readonly toMs: number;
}

/** What the broker was told to do, on which the rules depend. */
export interface Terms {
  readonly maxAttempts: number;
  /** Of every receive, ms. */
  readonly invisibleMs: number;
}

/** What was asked of Gantry and what it answered, kept outside of it; ./rules judges it. */
export class History {
  readonly stories = new Map<string, Story>();
  readonly lostReceives: LostReceive[] = [];
  /** The others: where a broker was lost meanwhile, the proxy has asked again itself, and the first try may be lost. */
  readonly answeredReceives: LostReceive[] = [];
  /** When a broker was killed, or a master made to stand still. */
  readonly brokersLostMs: number[] = [];
  /** While machines could not reach each other: what was asked may be done, and its answer lost. */
  readonly cuts: Omit<LostReceive, 'kind'>[] = [];
  /** Deliveries of what was never sent, or with another body. */
  readonly strangers: string[] = [];
  /** When another master of a broker group began to answer. */
  readonly masterChangesMs: number[] = [];
  /** When anything was delivered last, by the monotonic clock. */
  lastDeliveryMs = 0;

  /** @param wallOffsetMs wall clock less the checker's monotonic clock */
  constructor(
    readonly terms: Terms,
    readonly wallOffsetMs = Date.now() - performance.now(),
  ) {}

  /** A message is about to be sent. */
  begin(known: Partial<Story> & Pick<Intent, 'messageId' | 'kind'>): Story {
    const story: Story = {
      ...{ messageGroup: '', sequence: 0, dueMs: 0, resolution: 'COMMIT' },
      ...{ sends: [], deliveries: [], deadLetters: [], acknowledgements: [], recalls: [] },
      ...{ ends: [], oppositeEnds: [], checks: [] },
      ...known,
    };
    this.stories.set(story.messageId, story);
    return story;
  }

  /** A message has arrived, from its topic or as a dead letter; `undefined` for one that nobody sent. */
  deliver(messageId: string, body: Buffer, delivery: Delivery, dead: boolean): Story | undefined {
    this.lastDeliveryMs = Math.max(this.lastDeliveryMs, delivery.seenMs);
    const story = this.stories.get(messageId);
    if (story === undefined) {
      this.strangers.push(`${messageId} was delivered, but never sent`);
      return undefined;
    }
    if (!body.equals(bodyOf(messageId))) {
      this.strangers.push(`${messageId} was delivered with another body`);
    }
    (dead ? story.deadLetters : story.deliveries).push(delivery);
    return story;
  }

  /** What there was, for people. */
  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    const count = (name: string, by = 1): void => {
      counts[name] = (counts[name] ?? 0) + by;
    };
    for (const story of this.stories.values()) {
      if (isOk(story.sends)) count(`${story.kind} sent`);
      count('sends without an answer', story.sends.filter(isUnknown).length);
      count('sends repeated', Math.max(0, story.sends.length - 1));
      count('delivered', story.deliveries.length);
      count('redelivered', Math.max(0, story.deliveries.length - 1));
      count('acknowledged', story.acknowledgements.filter((call) => isOk([call])).length);
      count('acknowledgements without an answer', story.acknowledgements.filter(isUnknown).length);
      count('dead letters', story.deadLetters.length);
      count('recalled', isOk(story.recalls) ? 1 : 0);
      count('checks', story.checks.length);
      if (isOk(story.ends)) count(story.resolution === 'COMMIT' ? 'committed' : 'rolled back');
    }
    count('receives without an answer', this.lostReceives.length);
    return counts;
  }
}

/** Whether one of the calls was answered OK. */
export function isOk(calls: readonly Call[]): boolean {
  return calls.some(({ outcome }) => outcome === 'ok');
}

export function isUnknown({ outcome }: Call): boolean {
  return outcome === 'unknown';
}

/** Whether one of the calls may have been carried out. */
export function mayBeDone(calls: readonly Call[]): boolean {
  return calls.some(({ outcome }) => outcome !== 'refused');
}
