/**
 * RouteApi over several name servers, none aware of the others: a broker registers with all of them, a
 * watcher watches all of them and merges what they say.
 */
import type { BrokerRegistration, RegistrationLease, RouteApi, RouteWatch } from '../api/route-api';
import { Code, StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import type { ClientTls } from '../rpc/client-credentials';
import type { RegisterMessage } from '../rpc/generated/gantry/v1/RegisterMessage';
import type { RegisterReply__Output } from '../rpc/generated/gantry/v1/RegisterReply';
import type { WatchMessage } from '../rpc/generated/gantry/v1/WatchMessage';
import type { WatchReply__Output } from '../rpc/generated/gantry/v1/WatchReply';
import { openPipe } from '../rpc/grpc/client-pipe';
import type { Pipe } from '../rpc/pipe';
import type { LinkLog } from './log';
import { mergeRoutes, sameRoutes } from './route-merge';
import { RegisterClient, type RegisterOutcome } from './route-register-client';
import { WatchClient } from './route-watch-client';
import { nameServerDefinition } from './services';

/** The way to one name server. */
export interface NameServerAccess {
  readonly address: string;
  readonly register: () => Pipe<RegisterMessage, RegisterReply__Output>;
  readonly watch: () => Pipe<WatchMessage, WatchReply__Output>;
}

export interface RouteClientParts {
  readonly platform: Pick<Platform, 'clock' | 'timers' | 'random'>;
  readonly log: LinkLog;
}

export interface RouteClientOptions extends RouteClientParts {
  readonly platform: RouteClientParts['platform'] & Pick<Platform, 'sockets'>;
  /** `host:port` of all name servers, at least one. */
  readonly addresses: readonly string[];
  /** Absent: plaintext. */
  readonly tls?: ClientTls | undefined;
}

export interface RouteClient extends RouteApi {
  /** Name servers whose routes are known and watched now; 0 before the first `watch`. */
  readonly reachable: number;
  /**
   * Resolves when a name server has told its routes, after a `watch`; false when `withinMs` have passed
   * without one. Brokers that have just started may still be missing.
   */
  ready(withinMs: number): Promise<boolean>;
  /** Closes leases and watches, each with its connection. */
  close(): Promise<void>;
}

/** Watchers of one client. */
const LISTENERS_MAX = 64;

/**
 * Makes the way to the name servers. While all of them are away, registrations wait for them and the
 * last known routes stay in force; each is tried again at least every second.
 */
export function routeClient({ addresses, tls, ...parts }: RouteClientOptions): RouteClient {
  const { Register, Watch } = nameServerDefinition();
  const servers = addresses.map((address) => ({
    address,
    register: () => openPipe(parts.platform, address, Register, { tls }),
    watch: () => openPipe(parts.platform, address, Watch, { tls }),
  }));
  return new NameServersClient(servers, parts);
}

/** As `routeClient`, over any transport. */
export class NameServersClient implements RouteClient {
  private routes: ReadonlyMap<string, BrokerRegistration> = new Map();
  private views: readonly WatchClient[] = [];
  private readonly listeners = new Set<{ call: (all: readonly BrokerRegistration[]) => void }>();
  private readonly leases = new Set<RegistrationLease>();
  private readonly readers = new Set<() => void>();
  private closed = false;

  constructor(
    private readonly servers: readonly NameServerAccess[],
    private readonly parts: RouteClientParts,
  ) {}

  get reachable(): number {
    return this.views.filter((view) => view.reachable).length;
  }

  async ready(withinMs: number): Promise<boolean> {
    if (this.reachable > 0) return true;
    return new Promise((resolve) => {
      const settle = (): void => {
        this.readers.delete(settle);
        timer.cancel();
        resolve(this.reachable > 0);
      };
      const timer = this.parts.platform.timers.after(withinMs, settle);
      this.readers.add(settle);
    });
  }

  /**
   * Resolves when each name server has taken the registration or is away.
   * @throws StatusError what the first name server that refuses says; the registration is then closed
   */
  async register(registration: BrokerRegistration): Promise<RegistrationLease> {
    this.checkOpen();
    const clients = this.servers.map(
      ({ address, register }) =>
        new RegisterClient(registration, { address, ...this.parts, connect: register }),
    );
    const lease: RegistrationLease = {
      update: async (next) => {
        this.judge(next, await Promise.all(clients.map((client) => client.update(next))));
      },
      close: async () => {
        this.leases.delete(lease);
        await Promise.all(clients.map((client) => client.close()));
      },
    };
    this.leases.add(lease);
    try {
      this.judge(registration, await Promise.all(clients.map((client) => client.settled())));
    } catch (error) {
      await lease.close();
      throw error;
    }
    return lease;
  }

  /**
   * The first call comes at once, with no brokers when no name server has told its routes yet.
   * @throws StatusError TOO_MANY_REQUESTS beyond 64 listeners
   */
  watch(listener: (brokers: readonly BrokerRegistration[]) => void): RouteWatch {
    this.checkOpen();
    if (this.listeners.size >= LISTENERS_MAX) {
      throw new StatusError(Code.TOO_MANY_REQUESTS, `at most ${LISTENERS_MAX} route listeners`);
    }
    const member = { call: listener };
    this.listeners.add(member);
    listener([...this.routes.values()]);
    if (this.views.length === 0) {
      this.views = this.servers.map(
        ({ address, watch }) =>
          new WatchClient({
            address,
            ...this.parts,
            connect: watch,
            onChange: () => this.refresh(),
          }),
      );
    }
    return { close: () => void this.listeners.delete(member) };
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.listeners.clear();
    for (const view of this.views) view.close();
    for (const settle of [...this.readers]) settle();
    await Promise.all([...this.leases].map((lease) => lease.close()));
  }

  private refresh(): void {
    const routes = mergeRoutes(this.routes, this.views);
    const same = sameRoutes(routes, this.routes);
    this.routes = routes;
    if (!same) {
      const all = [...routes.values()];
      for (const { call } of [...this.listeners]) call(all);
    }
    if (this.reachable > 0) for (const settle of [...this.readers]) settle();
  }

  /** @throws StatusError the first refusal */
  private judge(registration: BrokerRegistration, outcomes: readonly RegisterOutcome[]): void {
    for (const outcome of outcomes) if (outcome instanceof StatusError) throw outcome;
    if (outcomes.some((outcome) => outcome === 'known')) return;
    this.parts.log.warn(
      {
        broker: `${registration.brokerName}/${registration.brokerId}`,
        version: registration.version,
      },
      'no name server is reachable; each gets the registration when it is back',
    );
  }

  private checkOpen(): void {
    if (this.closed) throw new StatusError(Code.INTERNAL_SERVER_ERROR, 'route client is closed');
  }
}
