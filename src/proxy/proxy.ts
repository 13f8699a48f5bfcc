/** A proxy: the public API on one side, brokers and name servers on the other; it keeps no messages. */
import type { Logger } from 'pino';
import type { AdminApi } from '../api/admin-api';
import type { BrokerApi } from '../api/broker-api';
import type { BrokerDialer } from '../api/broker-dialer';
import type { RouteApi } from '../api/route-api';
import type { TopicType } from '../api/topic';
import { FilterCache } from '../message/filter-cache';
import type { Platform } from '../platform/platform';
import type { AdminHandlers } from '../rpc/generated/apache/rocketmq/v2/Admin';
import type { MessagingServiceHandlers } from './messaging-handlers';
import { ackHandlers } from './ack';
import { clusterAdmin } from './admin';
import { adminRpc } from './admin-rpc/admin-rpc';
import { BrokerHealth } from './broker-health';
import { BrokerPool } from './broker-pool';
import { ByteBudget, CallGate } from './calls';
import { ClientCommands } from './client-commands';
import { ClusterInspect } from './cluster-inspect';
import { ClientRegistry } from './client-registry';
import { Failover } from './failover';
import { heartbeatHandlers } from './heartbeat';
import { liteHandlers } from './lite';
import { offsetHandlers } from './offsets';
import { MasterWaits } from './master-waits';
import { OpenPolls } from './open-polls';
import type { ProxyParts } from './parts';
import type { ProxyProcess } from './process';
import { PullFamily } from './pull';
import { recallHandlers } from './recall';
import { ReceiveFamily } from './receive';
import { routeHandlers } from './route';
import { RateMeter } from './rate-meter';
import { RouteTable } from './route-table';
import { SendFamily } from './send';
import type { ProxySettings } from './settings';
import { Subscriptions } from './subscriptions';
import { TelemetryFamily } from './telemetry';
import { TopicCreation } from './topic-creation';
import { transactionHandlers } from './transaction';
import { TransactionChecks } from './transaction-checks';

export interface ProxyOptions {
  readonly routes: RouteApi;
  readonly dial: BrokerDialer;
  readonly platform: Platform;
  readonly log: Logger;
  readonly settings: ProxySettings;
  readonly process: ProxyProcess;
}

export interface Proxy {
  /** `apache.rocketmq.v2.MessagingService`, for a gRPC server. */
  readonly messaging: MessagingServiceHandlers;
  /**
   * `apache.rocketmq.v2.Admin`, for a gRPC server.
   * @param check throws what a peer is refused with
   */
  adminRpc(check: (peer: string) => void): AdminHandlers;
  /** Topics and groups on all masters. */
  readonly admin: AdminApi;
  /** Commands to the clients whose Telemetry streams are here. */
  readonly commands: ClientCommands;
  /** Resolves when the routes name at least one master. */
  ready(): Promise<void>;
  /**
   * Ends telemetry streams and waiting polls, refuses new polls, goes on serving all else; resolves
   * when no call is under way. The caller bounds how long it waits.
   */
  drain(): Promise<void>;
  /** Ends the watch and the ways to the brokers. */
  close(): Promise<void>;
}

/** @throws RangeError when `settings.advertise` is malformed */
export function createProxy(options: ProxyOptions): Proxy {
  return new ProxyRole(options);
}

class ProxyRole implements Proxy {
  readonly messaging: MessagingServiceHandlers;
  readonly admin: AdminApi;
  readonly commands: ClientCommands;
  private readonly parts: ProxyParts;
  private readonly gates: readonly CallGate[];
  private readonly adminGate: CallGate;
  private readonly sending: SendFamily;
  private readonly receiving: ReceiveFamily;
  private readonly pulling: PullFamily;
  private readonly telemetry: TelemetryFamily;

  constructor(options: ProxyOptions) {
    const parts = makeParts(options);
    const gate = (family: string): CallGate => new CallGate(family, options.settings.maxCalls);
    const gates = {
      ...{ route: gate('route'), producer: gate('producer'), consumer: gate('consumer') },
      ...{ client: gate('client manager') },
      ...{ transaction: gate('transaction'), admin: gate('admin') },
    };
    this.adminGate = gates.admin;
    this.parts = parts;
    this.gates = Object.values(gates);
    this.sending = new SendFamily(parts);
    const { maxDeliveringBytes } = options.settings;
    const delivering = new ByteBudget('being delivered', maxDeliveringBytes);
    this.receiving = new ReceiveFamily(parts, delivering);
    this.pulling = new PullFamily(parts, delivering);
    this.telemetry = new TelemetryFamily(parts);
    this.messaging = {
      ...routeHandlers(parts, gates.route),
      ...this.sending.handlers(gates.producer),
      ...recallHandlers(parts, gates.producer),
      ...this.receiving.handlers(),
      ...this.pulling.handlers(),
      ...offsetHandlers(parts, gates.consumer),
      ...ackHandlers(parts, gates.consumer),
      ...this.telemetry.handlers(),
      ...heartbeatHandlers(parts, gates.client),
      ...transactionHandlers(parts, gates.transaction),
      ...liteHandlers(parts, gates.client),
    };
    this.admin = clusterAdmin(parts);
    this.commands = parts.commands;
  }

  adminRpc(check: (peer: string) => void): AdminHandlers {
    const { parts, admin, sending, adminGate: gate } = this;
    return adminRpc({ parts, admin, sending, gate, check, inspect: new ClusterInspect(parts) });
  }

  ready(): Promise<void> {
    return this.parts.routes.whenKnown();
  }

  async drain(): Promise<void> {
    this.telemetry.drain();
    await Promise.all([this.receiving.drain(), this.pulling.drain()]);
    await Promise.all(this.gates.map((gate) => gate.whenIdle()));
  }

  async close(): Promise<void> {
    this.telemetry.drain();
    this.parts.routes.close();
    this.parts.checks.close();
    this.parts.clients.close();
    this.parts.health.close();
    this.parts.waits.close();
    this.sending.close();
    await this.parts.pool.close();
  }
}

function makeParts({ routes, dial, platform, log, settings, process }: ProxyOptions): ProxyParts {
  const find = (brokerName: string): BrokerApi | undefined => pool.find(brokerName);
  const waits = new MasterWaits(platform.timers, find);
  const changed = (brokerName: string, master: BrokerApi | undefined): void => {
    waits.wake(brokerName);
    if (master !== undefined) void clients.introduce(master);
  };
  const pool = new BrokerPool(dial, platform, log, settings.brokerLingerMs, changed);
  const failover = new Failover({ platform, settings, pool, waits, routes: () => table });
  const health = new BrokerHealth({ platform, log, settings: settings.health, find });
  const typeOf = (topic: string): TopicType | undefined => table.find(topic)?.type;
  const checks = new TransactionChecks({ platform, log, pool, typeOf });
  const clients = new ClientRegistry({ platform, settings, pool });
  const table: RouteTable = new RouteTable(routes, platform, settings.brokerLingerMs, (masters) => {
    pool.update(masters);
    health.update(masters);
    // It looks when the turn is over, and the table knows the new topics.
    checks.refresh();
  });
  const shared = { platform, log, settings, routes: table, pool, health, failover };
  return {
    ...shared,
    creation: new TopicCreation(shared),
    subscriptions: new Subscriptions(shared),
    clients,
    waits,
    commands: new ClientCommands(platform),
    polls: new OpenPolls(),
    checks,
    filters: new FilterCache(),
    traffic: { in: new RateMeter(platform.clock), out: new RateMeter(platform.clock) },
    process,
  };
}
