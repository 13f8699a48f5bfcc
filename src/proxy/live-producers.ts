/** Clients with an open Telemetry stream that publish topics: those that can be asked about their transactions. */
import type { TelemetryCommand } from '../rpc/generated/apache/rocketmq/v2/TelemetryCommand';

/** A Telemetry stream, as far as commands go out on it. */
export interface CommandStream {
  /** False: the client does not keep up; 'drain' says when it does. */
  write(command: TelemetryCommand): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

export interface LiveProducer {
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly stream: CommandStream;
  /** Whether a command waits that the client has not read. */
  full: boolean;
}

/** Streams of one client that are kept, the newest. */
const MAX_STREAMS = 8;

export class LiveProducers {
  private readonly byTopic = new Map<string, Map<string, LiveProducer>>();
  /**
   * Each client's streams, the newest last: that one counts. Some clients open another one with each
   * endpoint that they learn of, and end it again at once.
   */
  private readonly byClient = new Map<string, readonly LiveProducer[]>();

  /** @param changed called when a topic has gained its first or lost its last producer */
  constructor(private readonly changed: () => void) {}

  get topics(): Iterable<string> {
    return this.byTopic.keys();
  }

  /** A client says what it publishes; its newest stream counts. */
  put(clientId: string, topics: readonly string[], stream: CommandStream): void {
    const others = this.without(clientId, stream);
    const producer = { clientId, topics, stream, full: false };
    this.use(clientId, topics.length === 0 ? others : [...others, producer].slice(-MAX_STREAMS));
  }

  ended(clientId: string, stream: object): void {
    const left = this.without(clientId, stream);
    if (left.length !== this.byClient.get(clientId)?.length) this.use(clientId, left);
  }

  /** The client says goodbye. */
  remove(clientId: string): void {
    this.use(clientId, []);
  }

  private without(clientId: string, stream: object): readonly LiveProducer[] {
    return (this.byClient.get(clientId) ?? []).filter((producer) => producer.stream !== stream);
  }

  private use(clientId: string, producers: readonly LiveProducer[]): void {
    const before = this.byClient.get(clientId)?.at(-1);
    const now = producers.at(-1);
    if (now === undefined) this.byClient.delete(clientId);
    else this.byClient.set(clientId, producers);
    if (now === before) return;
    for (const topic of before?.topics ?? []) this.leave(topic, clientId);
    if (now !== undefined) for (const topic of now.topics) this.join(topic, now);
  }

  private join(topic: string, producer: LiveProducer): void {
    const clients = this.byTopic.get(topic);
    if (clients !== undefined) {
      clients.set(producer.clientId, producer);
      return;
    }
    this.byTopic.set(topic, new Map([[producer.clientId, producer]]));
    this.changed();
  }

  private leave(topic: string, clientId: string): void {
    const clients = this.byTopic.get(topic);
    if (clients?.delete(clientId) !== true || clients.size > 0) return;
    this.byTopic.delete(topic);
    this.changed();
  }

  /**
   * Sends a command to a producer of a topic: the one that comes after `before` in the order in which they
   * came, so that another one is asked each time. Those that do not keep up are passed over.
   * @returns its client id, `undefined` when there is none
   */
  ask(topic: string, before: string | undefined, command: TelemetryCommand): string | undefined {
    const all = [...(this.byTopic.get(topic)?.values() ?? [])];
    const start =
      before === undefined ? 0 : all.findIndex(({ clientId }) => clientId === before) + 1;
    for (let i = 0; i < all.length; i++) {
      const producer = all[(start + i) % all.length];
      if (producer === undefined || producer.full) continue;
      if (!producer.stream.write(command)) {
        producer.full = true;
        producer.stream.once('drain', () => (producer.full = false));
      }
      return producer.clientId;
    }
    return undefined;
  }
}
