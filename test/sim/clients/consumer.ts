import { Code } from '../../../src/message/status';
import { fromMs, toMs } from '../../../src/message/time';
import type { Message__Output } from '../../../src/rpc/generated/apache/rocketmq/v2/Message';
import { splitReceiptHandle } from '../../../src/api/receipt-handle';
import type { Delivery, Kind } from '../../crash/mixed/history';
import { receiveRequest } from '../../support/public-client';
import { Client, type ClientParts } from './client';
import type { ClusterHistory } from './cluster-history';

export interface Subscription {
  readonly kind: Kind;
  readonly topic: string;
  readonly group: string;
  /** Whether the topic is the dead letter queue of those that consume `kind`. */
  readonly dead: boolean;
  /** As a push consumer does: a receive for each queue that the proxy assigns; else one for all. */
  readonly push: boolean;
}

/** What is true outside of the cluster, for the checker. */
export interface Truth {
  /** The latest that a broker's wall clock may say now. */
  brokerWallMs(): number;
  /** How far a broker's wall clock may be off, ms. */
  readonly skewMs: number;
}

const BATCH = 16;
const POLL_MS = 2000;
const DEADLINE_MS = 4000;
const ASSIGNMENT_MS = 3000;
/** Messages that are never acknowledged, and end in the dead letter queue. */
const POISONED = 0.02;
/** Of first deliveries: left to the end of their invisible time, and returned before it. */
const NEGLECTED = 0.03;
const RETURNED = 0.05;
const RETURN_MS = 200;
/** How long a message is worked on before it is acknowledged, at most. */
const WORK_MS = 30;
/** Of acknowledgements: repeated until they are answered. */
const INSISTED = 0.5;
const TRIES = 20;
const AWAY_MS = 100;
/** There is no dead letter queue before the first dead letter. */
const DEAD_AWAY_MS = 1000;
/** What a proxy says that has asked no broker. */
const NOT_ASKED = /are away: |no broker is known/;

/** The queue of a receive: any, or one that was assigned. */
interface Queue {
  readonly id: number;
  readonly broker: string;
}
const ANY_QUEUE: Queue = { id: -1, broker: '' };

/** A message that has come. */
interface Taken {
  readonly messageId: string;
  readonly delivery: Delivery;
  readonly brokerName: string;
}

/** Receives and acknowledges, each message once with some luck. */
export class Consumer {
  private readonly client: Client;
  private readonly poisoned = new Map<string, boolean>();
  private readonly served = new Set<string>();
  private attempts = 0;

  constructor(
    parts: ClientParts,
    private readonly subscription: Subscription,
    private readonly history: ClusterHistory,
    private readonly truth: Truth,
    /** Gives each receive a number. */
    private readonly nextReceive: () => number,
  ) {
    this.client = new Client(parts);
  }

  start(): void {
    if (this.subscription.push) void this.followAssignments();
    else void this.receiveForever(ANY_QUEUE);
  }

  /** Receives from each queue that it is told of; there is no other consumer that it would leave it to. */
  private async followAssignments(): Promise<void> {
    const { topic, group } = this.subscription;
    for (;;) {
      const request = { topic: { name: topic }, group: { name: group } };
      const { answer } = await this.client.unary('QueryAssignment', request);
      for (const { message_queue: queue } of answer?.assignments ?? []) {
        const key = `${queue?.broker?.name} ${queue?.id}`;
        if (!queue || this.served.has(key)) continue;
        this.served.add(key);
        void this.receiveForever({ id: queue.id, broker: queue.broker?.name ?? '' });
      }
      await this.client.sleep(ASSIGNMENT_MS);
    }
  }

  /**
   * A receive without a whole answer is repeated under its attempt id, through any proxy. In order, the repetition has
   * the deliveries of the first one, whose invisible time has begun then.
   */
  private async receiveForever(queue: Queue): Promise<void> {
    const { kind, dead } = this.subscription;
    const { client, history } = this;
    let attemptId = this.newAttempt();
    let firstMs = client.nowMs;
    for (;;) {
      const { call, answer } = await client.ask(
        () => client.channel().receive(this.request(queue, attemptId), DEADLINE_MS),
        ([first]) => first?.status ?? undefined,
      );
      const code = answer?.[0]?.status?.code;
      const span = { kind, fromMs: call.askedMs, toMs: call.endedMs };
      if (answer === undefined || (code !== Code.OK && code !== Code.MESSAGE_NOT_FOUND)) {
        if (!dead && !NOT_ASKED.test(call.text)) history.lostReceives.push(span);
        await client.sleep(dead ? DEAD_AWAY_MS : AWAY_MS);
        continue;
      }
      if (!dead) history.answeredReceives.push(span);
      attemptId = this.newAttempt();
      await this.take(
        answer.flatMap(({ message }) => message ?? []),
        kind === 'fifo' ? firstMs : call.askedMs,
      );
      firstMs = client.nowMs;
    }
  }

  private request(queue: Queue, attemptId: string): ReturnType<typeof receiveRequest> {
    const { topic, group, kind } = this.subscription;
    return receiveRequest(group, topic, {
      message_queue: { topic: { name: topic }, id: queue.id, broker: { name: queue.broker } },
      batch_size: BATCH,
      invisible_duration: fromMs(this.history.terms.invisibleMs),
      long_polling_timeout: fromMs(POLL_MS),
      ...(kind === 'fifo' ? { attempt_id: attemptId } : {}),
    });
  }

  private newAttempt(): string {
    return `${this.client.channel().clientId} ${this.attempts++}`;
  }

  private async take(messages: readonly Message__Output[], askedMs: number): Promise<void> {
    const receive = this.nextReceive();
    const seen = {
      receive,
      askedMs,
      seenMs: this.client.nowMs,
      seenWallMs: this.truth.brokerWallMs(),
    };
    const taken = messages.map((message, nth) => {
      const delivery: Delivery = { ...seen, nth, ...this.placeOf(message) };
      const messageId = message.system_properties?.message_id ?? '';
      const { brokerName } = splitReceiptHandle(delivery.receiptHandle);
      const { dead } = this.subscription;
      const { body } = message;
      const sent = this.history.deliverFrom(brokerName, messageId, body, delivery, dead);
      return sent ? [{ messageId, delivery, brokerName }] : [];
    });
    await Promise.all(taken.flat().map((one) => this.consume(one)));
  }

  private placeOf(
    message: Message__Output,
  ): Pick<Delivery, 'storedWallMs' | 'attempt' | 'receiptHandle' | 'place'> {
    const system = message.system_properties;
    if (!system) throw new Error('a message without system properties');
    const { dead } = this.subscription;
    return {
      // The time may be ahead of the truth by as much as its broker's clock.
      storedWallMs: toMs(system.store_timestamp) - (dead ? this.truth.skewMs : 0),
      attempt: system.delivery_attempt ?? 0,
      receiptHandle: system.receipt_handle ?? '',
      place: `queue ${system.queue_id} offset ${system.queue_offset}`,
    };
  }

  private async consume({ messageId, delivery, brokerName }: Taken): Promise<void> {
    const { topic, group, dead } = this.subscription;
    const { client } = this;
    const { chance } = client.parts;
    const names = { group: { name: group }, topic: { name: topic } };
    const handle = { message_id: messageId, receipt_handle: delivery.receiptHandle };
    await client.sleep(chance.below(WORK_MS));
    const luck = dead ? 1 : chance.next();
    const first = delivery.attempt === 1;
    if (first && luck < NEGLECTED) return;
    if ((first && luck < NEGLECTED + RETURNED) || (!dead && this.isPoisoned(messageId))) {
      const request = { ...names, ...handle, invisible_duration: fromMs(RETURN_MS) };
      await client.unary('ChangeInvisibleDuration', request);
      return;
    }
    const tries = chance.hits(INSISTED) ? TRIES : 1;
    await client.insist('AckMessage', { ...names, entries: [handle] }, tries, (call) => {
      if (!dead) this.history.acknowledge(brokerName, messageId, { ...call, delivery });
    });
  }

  private isPoisoned(messageId: string): boolean {
    const known = this.poisoned.get(messageId) ?? this.client.parts.chance.hits(POISONED);
    this.poisoned.set(messageId, known);
    return known;
  }
}
