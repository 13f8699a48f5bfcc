import type { Logger } from 'pino';
import type { FilterCache } from '../message/filter-cache';
import type { Platform } from '../platform/platform';
import type { BrokerHealth } from './broker-health';
import type { BrokerPool } from './broker-pool';
import type { ClientCommands } from './client-commands';
import type { ClientRegistry } from './client-registry';
import type { Failover } from './failover';
import type { MasterWaits } from './master-waits';
import type { OpenPolls } from './open-polls';
import type { ProxyProcess } from './process';
import type { Traffic } from './proxy-stats';
import type { RouteTable } from './route-table';
import type { ProxySettings } from './settings';
import type { Subscriptions } from './subscriptions';
import type { TopicCreation } from './topic-creation';
import type { TransactionChecks } from './transaction-checks';

/** What the handlers of one proxy share. */
export interface ProxyParts {
  readonly platform: Platform;
  readonly log: Logger;
  readonly settings: ProxySettings;
  readonly routes: RouteTable;
  readonly pool: BrokerPool;
  readonly health: BrokerHealth;
  readonly failover: Failover;
  readonly waits: MasterWaits;
  readonly creation: TopicCreation;
  readonly subscriptions: Subscriptions;
  readonly clients: ClientRegistry;
  readonly commands: ClientCommands;
  readonly polls: OpenPolls;
  readonly checks: TransactionChecks;
  readonly traffic: Traffic;
  readonly process: ProxyProcess;
  /** Filters of subscriptions, read once. */
  readonly filters: FilterCache;
}
