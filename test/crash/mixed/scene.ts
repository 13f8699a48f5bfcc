import { bodyOf } from '../history';
import { type Call, type Delivery, History, type Intent, type Story } from './history';

const MAX_ATTEMPTS = 3;
export const INVISIBLE_MS = 2000;

/** An answered call. */
export const call = (endedMs = 10, more: Partial<Call> = {}): Call => ({
  ...{ askedMs: endedMs - 10, endedMs, outcome: 'ok', text: '' },
  ...more,
});
export const unknown = { outcome: 'unknown' } as const;
export const refused = { outcome: 'refused', text: 'INVALID' } as const;

/** A history in which everything went well so far, and what a test does to it. */
export class Scene {
  readonly history = new History({ maxAttempts: MAX_ATTEMPTS, invisibleMs: INVISIBLE_MS });
  private receives = 0;

  story(messageId: string, more: Partial<Intent> = {}, send = call()): Story {
    const story = this.history.begin({ messageId, kind: 'normal', ...more });
    story.sends.push(send);
    return story;
  }

  /** One receive that was asked at a time, and brought these with an attempt each 50 ms later. */
  receive(
    askedMs: number,
    stories: readonly (readonly [Story, number?])[],
    more: Partial<Delivery> = {},
  ): readonly Delivery[] {
    const receive = this.receives++;
    return stories.map(([story, attempt = 1], nth) => {
      const seenMs = askedMs + 50;
      const delivery: Delivery = {
        ...{ receive, nth, askedMs, seenMs, seenWallMs: seenMs, storedWallMs: 0, attempt },
        receiptHandle: `${story.messageId} ${receive}`,
        place: `queue 0 offset ${story.messageId}`,
        ...more,
      };
      this.history.deliver(story.messageId, bodyOf(story.messageId), delivery, false);
      return delivery;
    });
  }

  one(story: Story, askedMs: number, attempt = 1, more: Partial<Delivery> = {}): Delivery {
    const [delivery] = this.receive(askedMs, [[story, attempt]], more);
    if (delivery === undefined) throw new Error('no delivery');
    return delivery;
  }

  acknowledge(story: Story, delivery: Delivery, endedMs: number, more: Partial<Call> = {}): void {
    story.acknowledgements.push({ ...call(endedMs, more), delivery });
  }

  bury(story: Story, storedMs: number, more: Partial<Delivery> = {}): void {
    const { wallOffsetMs } = this.history;
    const delivery: Delivery = {
      ...{ receive: this.receives++, nth: 0, askedMs: storedMs, seenMs: storedMs + 50 },
      ...{ seenWallMs: 0, storedWallMs: storedMs + wallOffsetMs, attempt: 1 },
      ...{ receiptHandle: 'dead', place: 'queue 0 offset 0', ...more },
    };
    this.history.deliver(story.messageId, bodyOf(story.messageId), delivery, true);
  }

  /** A receive of normal messages, or of others, that was not answered. */
  lose(fromMs: number, kind: Intent['kind'] = 'normal'): void {
    this.history.lostReceives.push({ kind, fromMs, toMs: fromMs + 100 });
  }

  /** A receive of normal messages that was answered, and the loss of a broker. */
  again(fromMs: number, lostMs: number): void {
    this.history.answeredReceives.push({ kind: 'normal', fromMs, toMs: fromMs + 100 });
    this.history.brokersLostMs.push(lostMs);
  }

  /** Messages 0, 1, 2 of one group. */
  group(): readonly [Story, Story, Story] {
    const make = (sequence: number): Story =>
      this.story(`g-${sequence}`, { kind: 'fifo', messageGroup: 'g', sequence });
    return [make(0), make(1), make(2)];
  }
}
