import type { Chance } from '../../support/seeded';
import { Code, RawClient, type RawMessage, type RawQueue } from '../../support/raw-client';
import { letRun } from '../../support/until';
import { ask, AWAY_MS } from './calls';
import type { Delivery, History, Kind, Story } from './history';

export interface Subscription {
  readonly kind: Kind;
  readonly topic: string;
  readonly group: string;
  /** Receives in flight at any time. */
  readonly receivers: number;
  /** Whether the topic is the dead letter queue of those that consume `kind`. */
  readonly dead: boolean;
}

export interface ConsumerOptions {
  /** Of the proxies; each call goes through any of them. */
  readonly endpoints: readonly string[];
  readonly chance: Chance;
  readonly subscriptions: readonly Subscription[];
}

const ANY_QUEUE: RawQueue = { id: -1, broker: { name: '', endpoints: null } };
const BATCH = 16;
const POLL_MS = 1000;
const DEADLINE_MS = 5000;
/** Messages that are never acknowledged, and end in the dead letter queue. */
const POISONED = 0.004;
/** Of first deliveries: left to the end of their invisible time, and returned before it. */
const NEGLECTED = 0.02;
const RETURNED = 0.02;
const RETURN_MS = 200;
/** What a proxy says that has asked no broker. */
const NOT_ASKED = /are away: |no broker is known/;

/** Receives and acknowledges through all proxies until it is told to stop. */
export class Consumers {
  private readonly clients: readonly RawClient[];
  private readonly chance: Chance;
  private readonly poisoned = new Map<string, boolean>();
  private receiving = true;
  private receives = 0;
  private running: readonly Promise<void>[] = [];

  constructor(
    private readonly options: ConsumerOptions,
    private readonly history: History,
  ) {
    this.chance = options.chance;
    this.clients = options.endpoints.map(
      (endpoint) => new RawClient(endpoint, 'mixed-consumer', DEADLINE_MS),
    );
  }

  start(): void {
    this.running = this.options.subscriptions.flatMap((subscription) =>
      Array.from({ length: subscription.receivers }, (_none, nth) =>
        this.receive(subscription, `${subscription.topic} ${nth}`),
      ),
    );
  }

  async stop(): Promise<void> {
    this.receiving = false;
    await Promise.all(this.running);
    for (const client of this.clients) client.close();
  }

  /** A receive without a whole answer is repeated under its attempt id, through any proxy. */
  private async receive(subscription: Subscription, name: string): Promise<void> {
    const { group, topic, kind, dead } = subscription;
    const { invisibleMs } = this.history.terms;
    const request = {
      group,
      topic,
      queue: ANY_QUEUE,
      batchSize: BATCH,
      invisibleMs,
      pollMs: POLL_MS,
    };
    let attempt = 0;
    let firstMs: number | undefined;
    while (this.receiving) {
      const attemptId = kind === 'fifo' ? { attemptId: `${name} ${attempt}` } : {};
      const { call, answer } = await ask(() => this.any().receive({ ...request, ...attemptId }));
      firstMs ??= call.askedMs;
      const code = answer?.status.code;
      if (answer === undefined || (code !== Code.OK && code !== Code.MESSAGE_NOT_FOUND)) {
        const { askedMs: fromMs, endedMs: toMs } = call;
        if (!dead && !NOT_ASKED.test(call.text)) {
          this.history.lostReceives.push({ kind, fromMs, toMs });
        }
        await letRun(AWAY_MS);
        continue;
      }
      attempt++;
      if (!dead) {
        const { askedMs: fromMs, endedMs: toMs } = call;
        this.history.answeredReceives.push({ kind, fromMs, toMs });
      }
      await this.take(subscription, answer.messages, kind === 'fifo' ? firstMs : call.askedMs);
      firstMs = undefined;
    }
  }

  private async take(
    subscription: Subscription,
    messages: readonly RawMessage[],
    askedMs: number,
  ): Promise<void> {
    const receive = this.receives++;
    const seen = { receive, askedMs, seenMs: performance.now(), seenWallMs: Date.now() };
    const taken = messages.map((message, nth) => {
      const { attempt, receiptHandle, queueId, queueOffset, storedMs: storedWallMs } = message;
      const place = `queue ${queueId} offset ${queueOffset}`;
      const delivery: Delivery = { ...seen, nth, storedWallMs, attempt, receiptHandle, place };
      const { messageId, body } = message;
      const story = this.history.deliver(messageId, body, delivery, subscription.dead);
      return { message, delivery, story };
    });
    await Promise.all(
      taken.map(async ({ message, delivery, story }) => {
        if (story !== undefined) await this.consume(subscription, message, delivery, story);
      }),
    );
  }

  private async consume(
    { group, topic, dead }: Subscription,
    message: RawMessage,
    delivery: Delivery,
    story: Story,
  ): Promise<void> {
    if (dead) {
      await ask(async () => ({ status: await this.any().ack(group, topic, message) }));
      return;
    }
    const chance = this.chance.next();
    const first = message.attempt === 1;
    if (first && chance < NEGLECTED) return;
    if ((first && chance < NEGLECTED + RETURNED) || this.isPoisoned(message.messageId)) {
      await ask(() => this.any().changeInvisible(group, topic, message, RETURN_MS));
      return;
    }
    const { call } = await ask(async () => ({
      status: await this.any().ack(group, topic, message),
    }));
    story.acknowledgements.push({ ...call, delivery });
  }

  private isPoisoned(messageId: string): boolean {
    const known = this.poisoned.get(messageId) ?? this.chance.hits(POISONED);
    this.poisoned.set(messageId, known);
    return known;
  }

  private any(): RawClient {
    const client = this.clients[this.chance.below(this.clients.length)];
    if (client === undefined) throw new Error('no endpoint');
    return client;
  }
}
