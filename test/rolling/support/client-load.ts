import { Driver } from '../../interop/support/driver';
import type {
  DriverProducer,
  DriverPush,
  DriverSimple,
} from '../../interop/support/driver-clients';
import type { ClientName } from '../../interop/support/driver-command';
import { base64 } from '../../interop/support/scenario';
import { letRun, until } from '../../support/until';

export interface ClientLoadOptions {
  readonly client: ClientName;
  /** The client's own form. */
  readonly endpoints: string;
  /** Of type NORMAL and TRANSACTION, used by nobody else. */
  readonly topics: { readonly normal: string; readonly transaction: string };
}

export interface ClientLoadResult {
  readonly sent: number;
  /** Half messages that were left for the checker, of `sent`. */
  readonly leftOpen: number;
  /** Operations that users saw fail. */
  readonly failures: readonly string[];
  /** Messages that were sent and did not come: of the simple consumer's topic, and of the push consumer's. */
  readonly missing: Readonly<Record<'simple' | 'push', number>>;
}

const SENDERS = 3;
const PAUSE_MS = 20;
/** Each so many-th message of a sender is a half message; each so many-th of those is left to the checker. */
const HALF_EVERY = 5;
const LEFT_EVERY = 4;
/** Its Telemetry stream is not made anew before its next two rounds of settings, 5 min each: until then nobody asks it. */
const HARD_TO_ASK: ClientName = 'python';
const AWAIT_MS = 2000;
/** Then the load ends: it has shown enough. */
const FAILURES_MAX = 20;
const INVISIBLE_MS = 30_000;

/** What one official client's users do: they send, receive both ways and end transactions, without a pause. */
export class ClientLoad {
  private readonly failures: string[] = [];
  private readonly sent = { normal: new Set<string>(), transaction: new Set<string>() };
  /** What the simple consumer has acknowledged. */
  private readonly acknowledged = new Set<string>();
  private readonly receiving: Promise<void>[] = [];
  private sending: readonly Promise<void>[] = [];
  private leftOpen = 0;
  private stopped: 'no' | 'sends' | 'all' = 'no';

  private constructor(
    private readonly options: ClientLoadOptions,
    private readonly driver: Driver,
    private readonly producers: Readonly<Record<'normal' | 'transaction', DriverProducer>>,
    private readonly simple: DriverSimple,
    private readonly push: DriverPush,
  ) {}

  static async start(options: ClientLoadOptions): Promise<ClientLoad> {
    const { client, endpoints, topics } = options;
    const driver = Driver.start(client);
    try {
      // One topic each: the Node client may wait for ever at its start when it has several.
      const { normal, transaction } = topics;
      const [simple, push] = [`${client}-simple`, `${client}-push`];
      const load = new ClientLoad(
        options,
        driver,
        {
          normal: await driver.producer(endpoints, [normal]),
          transaction: await driver.producer(endpoints, [transaction], 'commit'),
        },
        await driver.simple({
          ...{ endpoints, group: simple, subscriptions: { [normal]: '*' }, awaitMs: AWAIT_MS },
        }),
        await driver.push({ endpoints, group: push, subscriptions: { [transaction]: '*' } }),
      );
      load.sending = Array.from({ length: SENDERS }, (_none, sender) => load.send(sender));
      load.receiving.push(load.receive(), load.receive());
      return load;
    } catch (error) {
      await driver.stop();
      throw error;
    }
  }

  /** Waits for so many more messages to be sent and received. */
  async goOn(count: number, limitMs: number): Promise<void> {
    const [sent, seen] = [this.sentCount + count, this.acknowledged.size + count];
    const name = this.options.client;
    await until(`${count} more messages of the ${name} client`, limitMs, () =>
      (this.sentCount >= sent && this.acknowledged.size >= seen) || this.stopped === 'all'
        ? true
        : undefined,
    );
  }

  /** Stops sending, and waits for what is owed for `drainMs` at most; the push consumer goes on until `kill`. */
  async drain(drainMs: number): Promise<ClientLoadResult> {
    this.stopped = 'sends';
    await Promise.all(this.sending);
    await until('all that was sent', drainMs, () => {
      const { simple, push } = this.missing();
      return simple + push === 0 ? true : undefined;
    }).catch(() => undefined); // the result tells
    this.stopped = 'all';
    await Promise.all(this.receiving);
    const { failures, leftOpen } = this;
    return { sent: this.sentCount, leftOpen, failures, missing: this.missing() };
  }

  /** Ends the client as it is. */
  async kill(): Promise<void> {
    this.stopped = 'all';
    await this.driver.stop();
  }

  private get sentCount(): number {
    return this.sent.normal.size + this.sent.transaction.size;
  }

  private missing(): ClientLoadResult['missing'] {
    const { normal, transaction } = this.sent;
    const pushed = new Set(this.push.pushed.map(({ message }) => message.messageId));
    const lacks = (sent: ReadonlySet<string>, has: ReadonlySet<string>): number =>
      [...sent].filter((id) => !has.has(id)).length;
    return { simple: lacks(normal, this.acknowledged), push: lacks(transaction, pushed) };
  }

  private async send(sender: number): Promise<void> {
    const { client } = this.options;
    for (let turn = 1; this.stopped === 'no'; turn++) {
      const body = base64(`sender ${sender} turn ${turn}`);
      const half = turn % HALF_EVERY === 0;
      const leave = turn % (HALF_EVERY * LEFT_EVERY) === 0 && client !== HARD_TO_ASK;
      if (half) await this.sendHalf(body, leave);
      else await this.sendOne(body);
      await letRun(PAUSE_MS);
    }
  }

  private async sendOne(body: string): Promise<void> {
    const { normal: topic } = this.options.topics;
    await this.attempt('send', async () => {
      this.sent.normal.add(await this.producers.normal.send({ topic, body }));
    });
  }

  private async sendHalf(body: string, leave: boolean): Promise<void> {
    const { transaction: topic } = this.options.topics;
    await this.attempt('half message', async () => {
      const producer = this.producers.transaction;
      const messageId = await producer.sendHalf({ topic, body });
      this.sent.transaction.add(messageId);
      if (leave) this.leftOpen++;
      else await producer.end(messageId, 'commit');
    });
  }

  private async receive(): Promise<void> {
    while (this.stopped !== 'all') {
      await this.attempt('receive', async () => {
        const { messages } = await this.simple.receive(16, INVISIBLE_MS);
        await Promise.all(
          messages.map((message) =>
            this.attempt('ack', async () => {
              await this.simple.ack(message);
              this.acknowledged.add(message.messageId);
            }),
          ),
        );
      });
    }
  }

  private async attempt(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (this.stopped === 'all') return;
      this.failures.push(`${what}: ${String(error)}`);
      if (this.failures.length >= FAILURES_MAX) this.stopped = 'all';
      await letRun(PAUSE_MS);
    }
  }
}
