import { Code, RawClient, type RawMessage, type RawQueue } from '../support/raw-client';
import { letRun } from '../support/until';
import { bodyOf, type History } from './history';

export interface LoadOptions {
  readonly endpoint: string;
  readonly topic: string;
  readonly group: string;
  readonly invisibleMs: number;
  /** Sends in flight at any time. */
  readonly senders: number;
  /** Receives in flight at any time. */
  readonly receivers: number;
  /** 0 .. 1: first deliveries that are left to their invisible duration instead of being acknowledged. */
  readonly neglected: number;
  /** 0 .. 1, uniform. */
  readonly random: () => number;
}

const BATCH = 32;
const POLL_MS = 1000;
const DEADLINE_MS = 5000;
/** Between two tries while the broker is away. */
const AWAY_MS = 20;
const SERVED: ReadonlySet<number> = new Set([Code.OK, Code.MESSAGE_NOT_FOUND]);

/** Sends and receives without pause, and goes on where it was when the broker comes back. */
export class Load {
  /** Long polls that ended empty, one after the other, since the last delivery. */
  emptyPolls = 0;
  private readonly producer: RawClient;
  private readonly consumer: RawClient;
  private sending = true;
  private receiving = true;
  private sequence = 0;
  private unsubscribe: () => void = () => undefined;
  private senders: readonly Promise<void>[] = [];
  private receivers: readonly Promise<void>[] = [];

  constructor(
    private readonly options: LoadOptions,
    private readonly history: History,
  ) {
    this.producer = new RawClient(options.endpoint, 'crash-producer', DEADLINE_MS);
    this.consumer = new RawClient(options.endpoint, 'crash-consumer', DEADLINE_MS);
  }

  /** Subscribes, so that the group starts before the first message, and begins. */
  async start(): Promise<void> {
    const { topic, group, senders, receivers } = this.options;
    const { status, queues } = await this.consumer.queryRoute(topic);
    const [queue] = queues;
    if (queue === undefined) throw new Error(`no route: ${status.code} ${status.message}`);
    this.unsubscribe = await this.consumer.subscribe(group, topic);
    this.receivers = Array.from({ length: receivers }, () => this.receive(queue));
    this.senders = Array.from({ length: senders }, () => this.send());
  }

  async stopSending(): Promise<void> {
    this.sending = false;
    await Promise.all(this.senders);
  }

  async stop(): Promise<void> {
    await this.stopSending();
    this.receiving = false;
    await Promise.all(this.receivers);
    this.unsubscribe();
    this.producer.close();
    this.consumer.close();
  }

  private async send(): Promise<void> {
    while (this.sending) {
      const messageId = `m-${this.sequence++}`;
      this.history.sendMade(messageId);
      const status = await this.producer
        .send(this.options.topic, messageId, bodyOf(messageId))
        .catch(() => undefined); // the broker is away: whether it was stored is not known
      if (status?.code === Code.OK) this.history.sendAnsweredOk(messageId);
      else await letRun(AWAY_MS);
    }
  }

  private async receive(queue: RawQueue): Promise<void> {
    const { group, topic, invisibleMs } = this.options;
    const request = { group, topic, queue, batchSize: BATCH, invisibleMs, pollMs: POLL_MS };
    while (this.receiving) {
      const askedMs = performance.now();
      const answer = await this.consumer.receive(request).catch(() => undefined);
      if (answer === undefined || !SERVED.has(answer.status.code)) {
        await letRun(AWAY_MS);
        continue;
      }
      if (answer.messages.length > 0) this.emptyPolls = 0;
      else this.emptyPolls++;
      for (const message of answer.messages) this.history.deliver({ ...message, askedMs });
      await Promise.all(answer.messages.map((message) => this.acknowledge(message)));
    }
  }

  private async acknowledge(message: RawMessage): Promise<void> {
    const { group, topic, neglected, random } = this.options;
    if (message.attempt === 1 && random() < neglected) return;
    const { messageId, attempt } = message;
    try {
      const { code } = await this.consumer.ack(group, topic, message);
      // PROXY_TIMEOUT: the broker died, with the acknowledgement or without. Any other code: too late, it comes again.
      if (code === Code.OK) this.history.acknowledgedOk(messageId, attempt, performance.now());
      else if (code === Code.PROXY_TIMEOUT) this.history.acknowledgementUnanswered(messageId);
    } catch {
      this.history.acknowledgementUnanswered(messageId);
    }
  }
}
