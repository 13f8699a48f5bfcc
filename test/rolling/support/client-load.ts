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
  /** Messages that were sent and did not come, by the consumer that misses them. */
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
  private readonly sent = new Set<string>();
  private readonly seen = new Set<string>();
  private readonly receiving: Promise<void>[] = [];
  private sending: readonly Promise<void>[] = [];
  private leftOpen = 0;
  private stopped: 'no' | 'sends' | 'all' = 'no';

  private constructor(
    private readonly options: ClientLoadOptions,
    private readonly driver: Driver,
    private readonly producer: DriverProducer,
    private readonly simple: DriverSimple,
    private readonly push: DriverPush,
  ) {}

  static async start(options: ClientLoadOptions): Promise<ClientLoad> {
    const { client, endpoints, topics } = options;
    const driver = Driver.start(client);
    try {
      const names = Object.values(topics);
      const subscriptions = Object.fromEntries(names.map((topic) => [topic, '*']));
      const consumer = { endpoints, subscriptions };
      const simple = { ...consumer, group: `${client}-simple`, awaitMs: AWAIT_MS };
      const load = new ClientLoad(
        options,
        driver,
        await driver.producer(endpoints, names, 'commit'),
        await driver.simple(simple),
        await driver.push({ ...consumer, group: `${client}-push` }),
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
    const [sent, seen] = [this.sent.size + count, this.seen.size + count];
    const name = this.options.client;
    await until(`${count} more messages of the ${name} client`, limitMs, () =>
      (this.sent.size >= sent && this.seen.size >= seen) || this.stopped === 'all'
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
    return { sent: this.sent.size, leftOpen, failures, missing: this.missing() };
  }

  /** Ends the client as it is. */
  async kill(): Promise<void> {
    this.stopped = 'all';
    await this.driver.stop();
  }

  private missing(): ClientLoadResult['missing'] {
    const pushed = new Set(this.push.pushed.map(({ message }) => message.messageId));
    const lacks = (has: ReadonlySet<string>): number =>
      [...this.sent].filter((id) => !has.has(id)).length;
    return { simple: lacks(this.seen), push: lacks(pushed) };
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
      this.sent.add(await this.producer.send({ topic, body }));
    });
  }

  private async sendHalf(body: string, leave: boolean): Promise<void> {
    const { transaction: topic } = this.options.topics;
    await this.attempt('half message', async () => {
      const messageId = await this.producer.sendHalf({ topic, body });
      this.sent.add(messageId);
      if (leave) this.leftOpen++;
      else await this.producer.end(messageId, 'commit');
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
              this.seen.add(message.messageId);
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
