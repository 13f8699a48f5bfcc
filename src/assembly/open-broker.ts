/** The broker of a process: its store and its views. */
import type { BrokerDialer } from '../api/broker-dialer';
import type { ReplicasApi } from '../api/cluster-api';
import { Broker } from '../broker/broker';
import type { FollowedSends } from '../broker/dedup/followed-sends';
import { type BrokerSettings, DEFAULT_BROKER_SETTINGS } from '../broker/settings';
import { hostOf } from '../message/host';
import type { WriteWaits } from '../broker/write-waits';
import { deletionOf } from '../broker/metadata';
import type { FlushMode, MessageStore } from '../store/message-store';
import type { Readiness } from '../observe/http';
import { openStore } from '../store/open-store';
import type { RetentionSettings } from '../store/retention';
import type { Shutdown, Surroundings } from './role';
import { replicaMetrics } from './role-metrics';

export interface BrokerPartOptions {
  readonly dataDir: string;
  readonly flush: FlushMode;
  readonly store: {
    readonly segmentBytes: number;
    readonly retention: { readonly ageMs: number; readonly hour: number };
    /** Percent of the disk. */
    readonly disk: { readonly warn: number; readonly clean: number; readonly refuse: number };
    readonly index: {
      readonly enabled: boolean;
      readonly slots: number;
      readonly entries: number;
    };
  };
  readonly groups: { readonly autoCreate: boolean };
  /** Default: as a broker's settings say. */
  readonly consumers?: {
    readonly inflight: number;
    readonly inflightPerGroup: number;
    readonly inflightPerQueue: number;
    readonly waiting: number;
    readonly waitingPerGroup: number;
    readonly passedOverMs: number;
  };
  /** Default: as a broker's settings say. */
  readonly dedup?: { readonly windowMs: number; readonly maxEntries: number };
  /** Default: as a broker's settings say. */
  readonly lite?: {
    readonly topics: number;
    readonly perParent: number;
    readonly subscriptions: number;
    readonly perGroup: number;
    readonly perClient: number;
    readonly idleMs: number;
  };
  /** Default: as a broker's settings say. */
  readonly transactions?: {
    readonly firstCheckMs: number;
    readonly checkIntervalMs: number;
    readonly checks: number;
    readonly classic: boolean;
    readonly pending: number;
  };
  readonly broker: { readonly name: string; readonly cluster: string };
}

/** The address that a broker's records carry. */
export interface BrokerPlace {
  readonly host: string;
  readonly port: number;
}

/** How a broker is opened on its store. */
interface BrokerOn {
  readonly store: MessageStore;
  /** Makes its ways to other brokers; none for a broker that is alone. */
  readonly dial?: BrokerDialer | undefined;
  /** Of its mastership, and the replicas that it waits for; none for a broker without replicas. */
  readonly epoch?: number;
  readonly waits?: WriteWaits;
  /** What is known of its group; none for a broker without replicas. */
  readonly replicas?: ReplicasApi;
  /** See `LeadParts`. */
  readonly followedSends?: FollowedSends | undefined;
}

/**
 * Opens a broker; registering it is the caller's.
 * @param dial makes its ways to other brokers; none for a broker that is alone
 */
export async function openBroker(
  options: BrokerPartOptions,
  place: BrokerPlace,
  surroundings: Surroundings,
  readiness: Readiness,
  shutdown: Shutdown,
  dial?: BrokerDialer,
): Promise<Broker> {
  const store = await openStoreOf(options, place, surroundings, readiness);
  shutdown.add('store', () => store.close());
  const broker = await openBrokerOn(options, surroundings, { store, dial });
  readiness.metrics.add(replicaMetrics(broker.replicas));
  shutdown.add('broker', () => broker.close());
  return broker;
}

/** Opens the store of a broker. */
export async function openStoreOf(
  options: BrokerPartOptions,
  place: BrokerPlace,
  { platform, logger }: Surroundings,
  readiness: Readiness,
): Promise<MessageStore> {
  const store = await openStore({
    directory: options.dataDir,
    platform,
    log: logger.child({ part: 'store' }),
    flush: options.flush,
    storeHost: hostOf(place.host, place.port),
    segmentBytes: options.store.segmentBytes,
    index: options.store.index,
    retention: retentionOf(options.store),
    deletionOf,
  });
  readiness.set('store', true);
  store.onFailure(({ message }) => {
    readiness.set('store', false, message);
  });
  store.onFull((reason) => {
    readiness.set('store', true, reason ?? '');
  });
  return store;
}

/** Opens the broker on its store. */
export function openBrokerOn(
  options: BrokerPartOptions,
  { platform, logger }: Surroundings,
  { dial, ...parts }: BrokerOn,
): Promise<Broker> {
  return Broker.open({
    ...parts,
    directory: options.dataDir,
    platform,
    logger: logger.child({ part: 'broker' }),
    ...(dial && { dial }),
    settings: brokerSettingsOf(options),
  });
}

export function brokerSettingsOf(options: BrokerPartOptions): BrokerSettings {
  return {
    ...DEFAULT_BROKER_SETTINGS,
    brokerName: options.broker.name,
    cluster: options.broker.cluster,
    autoCreateGroups: options.groups.autoCreate,
    ...consumerLimits(options.consumers),
    ...duplicateLimits(options.dedup),
    ...liteLimits(options.lite),
    ...transactionSettings(options.transactions),
  };
}

function consumerLimits(consumers: BrokerPartOptions['consumers']): Partial<BrokerSettings> {
  if (consumers === undefined) return {};
  return {
    maxInflight: consumers.inflight,
    maxInflightPerGroup: consumers.inflightPerGroup,
    maxInflightPerQueue: consumers.inflightPerQueue,
    maxPolls: consumers.waiting,
    maxPollsPerLedger: consumers.waitingPerGroup,
    maxPassedOverMs: consumers.passedOverMs,
  };
}

function duplicateLimits(dedup: BrokerPartOptions['dedup']): Partial<BrokerSettings> {
  if (dedup === undefined) return {};
  return { dedupWindowMs: dedup.windowMs, dedupMaxEntries: dedup.maxEntries };
}

function liteLimits(lite: BrokerPartOptions['lite']): Partial<BrokerSettings> {
  if (lite === undefined) return {};
  return {
    maxLiteTopics: lite.topics,
    maxLitePerParent: lite.perParent,
    maxLiteSubscriptions: lite.subscriptions,
    maxLitePerGroup: lite.perGroup,
    maxLitePerClient: lite.perClient,
    liteTopicIdleMs: lite.idleMs,
  };
}

/** What older texts about RocketMQ say. */
const CLASSIC_CHECKS = 5;

function transactionSettings(
  transactions: BrokerPartOptions['transactions'],
): Partial<BrokerSettings> {
  if (transactions === undefined) return {};
  const { firstCheckMs, checkIntervalMs, checks, classic, pending: maxPending } = transactions;
  const maxChecks = classic ? CLASSIC_CHECKS : checks;
  return { transactions: { firstCheckMs, checkIntervalMs, maxChecks, maxPending } };
}

function retentionOf({ retention, disk }: BrokerPartOptions['store']): RetentionSettings {
  return {
    keepMs: retention.ageMs,
    hour: retention.hour,
    warnPercent: disk.warn,
    cleanPercent: disk.clean,
    refusePercent: disk.refuse,
  };
}
