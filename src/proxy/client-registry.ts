/**
 * The clients that made themselves known. A registration lives by client id and heartbeats, not by
 * its telemetry stream: some official clients run without a live stream for minutes or for good.
 */
import type { BrokerApi, Subscription } from '../api/broker-api';
import { Code, StatusError } from '../message/status';
import type { Platform, TimerHandle } from '../platform/platform';
import { BoundedMap } from './bounded-map';
import type { BrokerPool } from './broker-pool';
import type { ProxySettings } from './settings';

/** What a client tells about itself. */
export interface ClientAbout {
  /** `Language`, the wire's value, or the text of a header; '' when the client does not say. */
  readonly language: number | string;
  readonly version: string;
  readonly host: string;
  /** IP address of the peer. */
  readonly address: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** What is kept of a client's settings. */
export interface ClientSettings {
  /** `ClientType`, the wire's value. */
  readonly clientType: number;
  /** '' for producers. */
  readonly group: string;
  readonly subscriptions: readonly Subscription[];
  /** Topics that a producer said it publishes. */
  readonly published: readonly string[];
  readonly requestTimeoutMs: number;
  readonly about: ClientAbout;
}

interface Client {
  settings: ClientSettings;
  /** The latest telemetry stream, the place for commands. */
  stream: object | undefined;
  /** By the monotonic clock. */
  lastSeenMs: number;
}

export type KnownClient = Readonly<Client>;

interface RegistryParts {
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly settings: ProxySettings;
  readonly pool: BrokerPool;
}

/** Expired clients are looked for so many times within the time of an expiry. */
const SWEEPS = 12;
/** Consumers that a new master is told of together. */
const TOLD_AT_ONCE = 1000;

export class ClientRegistry {
  private readonly clients = new Map<string, Client>();
  /** When each client was last reported to the brokers. */
  private readonly reportedMs: BoundedMap<string, number>;
  private timer: TimerHandle | undefined;
  private closed = false;

  constructor(private readonly parts: RegistryParts) {
    this.reportedMs = new BoundedMap(parts.settings.maxClients);
  }

  /**
   * Keeps a client's settings; `stream` replaces an older one of the same id.
   * @throws StatusError TOO_MANY_REQUESTS when too many clients are known
   */
  put(clientId: string, settings: ClientSettings, stream: object): void {
    const known = this.clients.get(clientId);
    const { maxClients } = this.parts.settings;
    if (known === undefined && this.clients.size >= maxClients) {
      this.sweep();
      if (this.clients.size >= maxClients) {
        throw new StatusError(
          Code.TOO_MANY_REQUESTS,
          `flow limit: ${this.clients.size} clients are known, the limit is ${maxClients}`,
        );
      }
    }
    this.clients.set(clientId, { settings, stream, lastSeenMs: this.now() });
    this.arm();
  }

  get(clientId: string): ClientSettings | undefined {
    return this.clients.get(clientId)?.settings;
  }

  /** The client was heard from. Answers its settings. */
  touch(clientId: string): ClientSettings | undefined {
    const client = this.clients.get(clientId);
    if (client === undefined) return undefined;
    client.lastSeenMs = this.now();
    return client.settings;
  }

  /** A telemetry stream ended; the registration stays. */
  streamEnded(clientId: string, stream: object): void {
    const client = this.clients.get(clientId);
    if (client?.stream !== stream) return;
    client.stream = undefined;
    client.lastSeenMs = this.now();
  }

  remove(clientId: string): void {
    this.clients.delete(clientId);
    this.reportedMs.delete(clientId);
  }

  /** With their ids. */
  all(): Iterable<readonly [string, KnownClient]> {
    return this.clients;
  }

  get size(): number {
    return this.clients.size;
  }

  /** Tells all brokers that a consumer lives, unless they were told a moment ago; nobody waits for it. */
  reportSeen(clientId: string): void {
    const now = this.now();
    const { heartbeatForwardMs } = this.parts.settings;
    const last = this.reportedMs.get(clientId);
    if (last !== undefined && now - last < heartbeatForwardMs) return;
    this.reportedMs.set(clientId, now);
    for (const { broker } of this.parts.pool.masters()) {
      // A broker that is away forgets its clients by itself.
      broker.clientSeen(clientId).catch(() => undefined);
    }
  }

  /**
   * Tells a broker that has come to lead of all consumers: those whose messages it keeps invisible while they are heard
   * from need not wait for their next heartbeat.
   */
  async introduce(broker: BrokerApi): Promise<void> {
    const consumers = [...this.clients].filter(([, { settings }]) => settings.group !== '');
    try {
      for (let i = 0; i < consumers.length; i += TOLD_AT_ONCE) {
        const part = consumers.slice(i, i + TOLD_AT_ONCE);
        await Promise.all(part.map(([clientId]) => broker.clientSeen(clientId)));
      }
    } catch {
      // Their heartbeats come by themselves, here or at the master that follows.
    }
  }

  /** Tells all brokers that a client said goodbye; resolves when those that can be reached know. */
  async reportGone(clientId: string): Promise<void> {
    await Promise.allSettled(
      this.parts.pool.masters().map(({ broker }) => broker.clientGone(clientId)),
    );
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.clients.clear();
  }

  private sweep(): void {
    const oldest = this.now() - this.parts.settings.clientExpiryMs;
    for (const [clientId, client] of this.clients) {
      if (client.stream === undefined && client.lastSeenMs <= oldest) this.remove(clientId);
    }
  }

  private arm(): void {
    if (this.timer !== undefined || this.closed || this.clients.size === 0) return;
    const { clientExpiryMs } = this.parts.settings;
    this.timer = this.parts.platform.timers.after(clientExpiryMs / SWEEPS, () => {
      this.timer = undefined;
      this.sweep();
      this.arm();
    });
  }

  private now(): number {
    return this.parts.platform.clock.monotonicMs();
  }
}
