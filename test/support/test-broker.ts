import pino from 'pino';
import { Broker } from '../../src/broker/broker';
import { DEFAULT_BROKER_SETTINGS, type BrokerSettings } from '../../src/broker/settings';
import type { PopRequest, PopResult } from '../../src/api/broker-api';
import type { BrokerDialer } from '../../src/api/broker-dialer';
import { ANY_HOST } from '../../src/message/host';
import { encodeProperties, Property } from '../../src/message/properties';
import { readRecord } from '../../src/message/record';
import { draftRecord, type RecordDraft } from '../../src/message/record-draft';
import type { Platform } from '../../src/platform/platform';
import type { FlushMode, MessageStore } from '../../src/store/message-store';
import { openStore, type StoreOptions } from '../../src/store/open-store';

/** A broker on its own store, and how to end it. */
export interface TestBroker {
  readonly broker: Broker;
  readonly store: MessageStore;
  /** An orderly stop. */
  stop(): Promise<void>;
}

export interface TestBrokerOptions {
  readonly directory?: string;
  readonly flush?: FlushMode;
  readonly settings?: Partial<BrokerSettings>;
  readonly store?: Partial<StoreOptions>;
  /** Makes the ways to other brokers. */
  readonly dial?: BrokerDialer;
}

/** Opens a broker with small files in `directory` of the platform's files. */
export async function openTestBroker(
  platform: Platform,
  options: TestBrokerOptions = {},
): Promise<TestBroker> {
  const directory = options.directory ?? '/broker';
  const logger = pino({ level: 'silent' });
  const store = await openStore({
    directory,
    platform,
    log: logger,
    flush: options.flush ?? 'sync',
    storeHost: ANY_HOST,
    segmentBytes: 16 * 1024 * 1024,
    queueFileEntries: 1000,
    index: { slots: 1000, entries: 4000 },
    ...options.store,
  });
  const settings = { ...DEFAULT_BROKER_SETTINGS, ...options.settings };
  const { dial } = options;
  const broker = await Broker.open({
    ...{ store, directory, platform, logger, settings },
    ...(dial && { dial }),
  });
  return {
    broker,
    store,
    stop: async () => {
      await broker.close();
      await store.close();
    },
  };
}

/** A message with an id, a body that repeats it, a tag where one is given, and more properties. */
export function messageDraft(
  topic: string,
  id: string,
  tag = '',
  properties: Readonly<Record<string, string>> = {},
): RecordDraft {
  const deliverMs = Number(properties[Property.TIMER_DELIVER_MS] ?? NaN);
  const pairs: [string, string][] = [[Property.UNIQ_KEY, id], ...Object.entries(properties)];
  if (tag !== '') pairs.push([Property.TAGS, tag]);
  return draftRecord({
    topic,
    body: Buffer.from(`body of ${id}`),
    properties: encodeProperties(pairs),
    tag,
    ...(Number.isNaN(deliverMs) ? undefined : { deliverMs }),
    bornTimestamp: 1_700_000_000_000,
  });
}

/** A receive of up to 32 messages that answers at once, unless changed. */
export function popRequest(
  group: string,
  topic: string,
  changes: Partial<PopRequest> = {},
): PopRequest {
  return {
    group,
    topic,
    clientId: 'client-1',
    attemptId: '',
    filter: { type: 'TAG', expression: '*' },
    maxMessages: 32,
    invisibleMs: 10_000,
    pollMs: 0,
    autoRenew: false,
    ...changes,
  };
}

/** What `messageDraft` put into the bodies of a result, in order. */
export function idsOf(result: PopResult): string[] {
  return result.map(({ record }) =>
    readRecord(record, 0).body.toString('utf8').replace('body of ', ''),
  );
}
