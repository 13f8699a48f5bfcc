/**
 * Which lite topics each client receives. In memory only: clients repeat theirs every 30 seconds. For each
 * client it is known which of them may have something, so that a receive looks at no others.
 */
export interface LiteClient {
  readonly id: string;
  readonly group: string;
  /** The parent topic. */
  readonly topic: string;
  /** Queues of the lite topics that it receives. */
  readonly wanted: Set<number>;
  /** Those of them that may have messages. */
  readonly active: Set<number>;
  /** Names of lite topics that were removed and that it has not been told of. */
  readonly removed: Set<string>;
  seenMs: number;
}

/** Which clients receive from a queue. */
type Receivers = Map<number, readonly LiteClient[]>;

export class LiteSubscriptions {
  private readonly clients = new Map<string, LiteClient>();
  private readonly receivers = new Map<string, Receivers>();
  /** Lite topics that clients receive, counted for each client: in all, and by group. */
  private total = 0;
  private readonly byGroup = new Map<string, number>();

  get count(): number {
    return this.total;
  }

  /** Those of the clients of one group. */
  countOf(group: string): number {
    return this.byGroup.get(group) ?? 0;
  }

  get clientCount(): number {
    return this.clients.size;
  }

  find(clientId: string): LiteClient | undefined {
    return this.clients.get(clientId);
  }

  /** The client, in a group on a parent topic; what it had in another one is forgotten. */
  client(id: string, group: string, topic: string, nowMs: number): LiteClient {
    let client = this.clients.get(id);
    if (client !== undefined && (client.group !== group || client.topic !== topic)) {
      this.dropClient(id);
      client = undefined;
    }
    if (client === undefined) {
      const sets = { wanted: new Set<number>(), active: new Set<number>() };
      client = { id, group, topic, ...sets, removed: new Set(), seenMs: nowMs };
      this.clients.set(id, client);
    }
    client.seenMs = nowMs;
    return client;
  }

  add(client: LiteClient, queueId: number): void {
    client.active.add(queueId);
    if (client.wanted.has(queueId)) return;
    client.wanted.add(queueId);
    this.counted(client, 1);
    let receivers = this.receivers.get(client.topic);
    if (receivers === undefined) {
      receivers = new Map<number, readonly LiteClient[]>();
      this.receivers.set(client.topic, receivers);
    }
    receivers.set(queueId, [...(receivers.get(queueId) ?? []), client]);
  }

  remove(client: LiteClient, queueId: number): void {
    client.active.delete(queueId);
    if (!client.wanted.delete(queueId)) return;
    this.counted(client, -1);
    const receivers = this.receivers.get(client.topic);
    const others = (receivers?.get(queueId) ?? []).filter((other) => other !== client);
    if (others.length > 0) receivers?.set(queueId, others);
    else receivers?.delete(queueId);
  }

  /** A queue has messages. Hot path. */
  arrived(topic: string, queueId: number): void {
    for (const client of this.receiversOf(topic, queueId)) client.active.add(queueId);
  }

  /** A lite topic was removed: its clients lose it, and are told. */
  removed(topic: string, queueId: number, name: string): void {
    for (const client of this.receiversOf(topic, queueId)) {
      this.remove(client, queueId);
      client.removed.add(name);
    }
  }

  dropClient(id: string): void {
    const client = this.clients.get(id);
    if (client === undefined) return;
    for (const queueId of client.wanted) this.remove(client, queueId);
    this.clients.delete(id);
  }

  dropTopic(topic: string): void {
    for (const client of this.clients.values()) {
      if (client.topic === topic) this.dropClient(client.id);
    }
  }

  /** Forgets clients that have been silent since `beforeMs`. */
  dropSilent(beforeMs: number): void {
    for (const client of this.clients.values()) {
      if (client.seenMs < beforeMs) this.dropClient(client.id);
    }
  }

  private counted({ group }: LiteClient, change: number): void {
    this.total += change;
    const count = this.countOf(group) + change;
    if (count === 0) this.byGroup.delete(group);
    else this.byGroup.set(group, count);
  }

  private receiversOf(topic: string, queueId: number): readonly LiteClient[] {
    return this.receivers.get(topic)?.get(queueId) ?? [];
  }
}
