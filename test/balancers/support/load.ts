import { randomUUID } from 'node:crypto';
import { Code, type RawClient, type RawMessage, type RawQueue } from '../../support/raw-client';
import { until } from '../../support/until';

const STEP_MS = 60_000;
const POLL_MS = 2000;
const INVISIBLE_MS = 10_000;

/** Clients that send, receive and acknowledge without a pause, and keep what failed. */
export class Load {
  private readonly failures: string[] = [];
  private readonly loops: Promise<void>[] = [];
  private done = 0;
  private stopped = false;
  private turn = 0;

  constructor(
    private readonly client: RawClient,
    private readonly topic: string,
    private readonly group: string,
  ) {}

  static async start(clients: readonly RawClient[], topic: string, group: string): Promise<Load> {
    const [first] = clients;
    if (first === undefined) throw new Error('no client');
    const load = new Load(first, topic, group);
    for (const client of clients) {
      const end = await client.subscribe(group, topic);
      const loops = [
        load.keep('send', () => load.send(client)),
        load.keep('receive', () => load.receive(client)),
      ];
      load.loops.push(
        Promise.all(loops).then(() => {
          end();
          client.close();
        }),
      );
    }
    return load;
  }

  /** Waits for so many more calls, or the first that fails. */
  async goOn(calls: number): Promise<void> {
    const wanted = this.done + calls;
    await until(`${calls} more calls`, STEP_MS, () =>
      this.done >= wanted || this.failures.length > 0 ? true : undefined,
    );
  }

  /** @returns what failed */
  async stop(): Promise<readonly string[]> {
    this.stopped = true;
    await Promise.all(this.loops);
    return this.failures;
  }

  /** One message, if there is one now. */
  async receiveOne(): Promise<RawMessage | undefined> {
    return (await this.receiveWith(this.client, 1, 1000)).messages[0];
  }

  private async keep(what: string, step: () => Promise<void>): Promise<void> {
    while (!this.stopped && this.failures.length < 20) {
      try {
        await step();
      } catch (error) {
        this.failures.push(`${what}: ${String(error)}`);
      }
    }
  }

  private async send(client: RawClient): Promise<void> {
    this.check(await client.send(this.topic, randomUUID(), Buffer.from('load')));
  }

  private async receive(client: RawClient): Promise<void> {
    const { status, messages } = await this.receiveWith(client, 16, POLL_MS);
    if (status.code !== Code.MESSAGE_NOT_FOUND) this.check(status);
    await Promise.all(
      messages.map(async (message) =>
        this.check(await client.ack(this.group, this.topic, message)),
      ),
    );
  }

  private async receiveWith(
    client: RawClient,
    batchSize: number,
    pollMs: number,
  ): ReturnType<RawClient['receive']> {
    const { topic, group } = this;
    const { queues } = await client.queryRoute(topic);
    const queue: RawQueue | undefined = queues[this.turn++ % queues.length];
    if (queue === undefined) throw new Error(`topic ${topic} has no queues`);
    return client.receive({ group, topic, queue, batchSize, invisibleMs: INVISIBLE_MS, pollMs });
  }

  private check({ code, message }: { readonly code: number; readonly message: string }): void {
    if (code !== Code.OK) throw new Error(`${code} ${message}`);
    this.done++;
  }
}
