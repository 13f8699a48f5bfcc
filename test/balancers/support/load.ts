import { randomUUID } from 'node:crypto';
import { Code, type RawClient, type RawMessage, type RawQueue } from '../../support/raw-client';
import { until } from '../../support/until';

const STEP_MS = 60_000;
const POLL_MS = 2000;
const INVISIBLE_MS = 10_000;
const MAX_FAILURES = 20;
const MAX_LOST_TOLD = 5;

/** Clients that send, receive and acknowledge without a pause, and keep what failed. */
export class Load {
  private readonly failures: string[] = [];
  /** Ids of messages that were answered OK and have not been received yet. */
  private readonly missing = new Set<string>();
  private readonly senders: Promise<void>[] = [];
  private readonly receivers: Promise<void>[] = [];
  private readonly ends: (() => void)[] = [];
  private done = 0;
  private sending = true;
  private receiving = true;

  private constructor(
    private readonly topic: string,
    private readonly group: string,
  ) {}

  /** Each client subscribes before the first message is sent. */
  static async start(clients: readonly RawClient[], topic: string, group: string): Promise<Load> {
    const load = new Load(topic, group);
    for (const client of clients) {
      const unsubscribe = await client.subscribe(group, topic);
      load.ends.push(unsubscribe, () => client.close());
    }
    for (const client of clients) load.run(client);
    return load;
  }

  /** Waits for so many more calls, or the first that fails. */
  async goOn(calls: number): Promise<void> {
    const wanted = this.done + calls;
    await until(`${calls} more calls`, STEP_MS, () =>
      this.done >= wanted || this.failures.length > 0 ? true : undefined,
    );
  }

  /**
   * Sends no more, receives what was sent, and closes the clients.
   * @returns what failed, and what was sent and did not come within a minute
   */
  async stop(): Promise<readonly string[]> {
    this.sending = false;
    await Promise.all(this.senders);
    const came = until('all messages', STEP_MS, () =>
      this.missing.size === 0 || this.failures.length > 0 ? true : undefined,
    );
    await came.catch(() => this.failures.push(`lost: ${this.someMissing()}`));
    this.receiving = false;
    await Promise.all(this.receivers);
    for (const end of this.ends) end();
    return this.failures;
  }

  private someMissing(): string {
    const told = [...this.missing].slice(0, MAX_LOST_TOLD);
    return `${this.missing.size} messages, ${told.join(', ')}`;
  }

  private run(client: RawClient): void {
    this.senders.push(this.keep('send', () => this.sending && this.send(client)));
    const turn = { next: 0 };
    this.receivers.push(this.keep('receive', () => this.receiving && this.receive(client, turn)));
  }

  /** Takes steps until one answers false, or too much has failed. */
  private async keep(what: string, step: () => false | Promise<void>): Promise<void> {
    while (this.failures.length < MAX_FAILURES) {
      try {
        const taken = step();
        if (taken === false) return;
        await taken;
      } catch (error) {
        this.failures.push(`${what}: ${String(error)}`);
      }
    }
  }

  private async send(client: RawClient): Promise<void> {
    const id = randomUUID();
    this.missing.add(id);
    this.check(await client.send(this.topic, id, Buffer.from('load')));
  }

  private async receive(client: RawClient, turn: { next: number }): Promise<void> {
    const { topic, group } = this;
    const { queues } = await client.queryRoute(topic);
    const queue: RawQueue | undefined = queues[turn.next++ % queues.length];
    if (queue === undefined) throw new Error(`topic ${topic} has no queues`);
    const wanted = { group, topic, queue, batchSize: 16, invisibleMs: INVISIBLE_MS };
    const { status, messages } = await client.receive({ ...wanted, pollMs: POLL_MS });
    if (status.code !== Code.MESSAGE_NOT_FOUND) this.check(status);
    await Promise.all(messages.map((message) => this.acknowledge(client, message)));
  }

  private async acknowledge(client: RawClient, message: RawMessage): Promise<void> {
    this.missing.delete(message.messageId);
    this.check(await client.ack(this.group, this.topic, message));
  }

  private check({ code, message }: { readonly code: number; readonly message: string }): void {
    if (code !== Code.OK) throw new Error(`${code} ${message}`);
    this.done++;
  }
}
