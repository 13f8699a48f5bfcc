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

export class LiveProducers {
  private readonly byTopic = new Map<string, Map<string, LiveProducer>>();
  private readonly byClient = new Map<string, LiveProducer>();

  /** @param changed called when a topic has gained its first or lost its last producer */
  constructor(private readonly changed: () => void) {}

  get topics(): Iterable<string> {
    return this.byTopic.keys();
  }

  /** A client says what it publishes; its newest stream counts. */
  put(clientId: string, topics: readonly string[], stream: CommandStream): void {
    this.remove(clientId);
    if (topics.length === 0) return;
    const producer = { clientId, topics, stream, full: false };
    this.byClient.set(clientId, producer);
    for (const topic of topics) {
      const clients = this.byTopic.get(topic);
      if (clients !== undefined) clients.set(clientId, producer);
      else {
        this.byTopic.set(topic, new Map([[clientId, producer]]));
        this.changed();
      }
    }
  }

  ended(clientId: string, stream: object): void {
    if (this.byClient.get(clientId)?.stream === stream) this.remove(clientId);
  }

  /** The client says goodbye. */
  remove(clientId: string): void {
    const producer = this.byClient.get(clientId);
    if (producer === undefined) return;
    this.byClient.delete(clientId);
    for (const topic of producer.topics) {
      const clients = this.byTopic.get(topic);
      if (clients?.delete(clientId) !== true || clients.size > 0) continue;
      this.byTopic.delete(topic);
      this.changed();
    }
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
