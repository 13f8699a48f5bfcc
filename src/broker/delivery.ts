/** Delivering messages from ledgers: what a broker that leads and one that stands in for it have in common. */
import type { Logger } from 'pino';
import type { AckRequest, ChangeInvisibleRequest, EntryStatus } from '../api/broker-api';
import { DEFAULT_BACKOFF, isOrdered } from '../api/topic';
import { FilterCache } from '../message/filter-cache';
import type { StatusError } from '../message/status';
import type { Platform } from '../platform/platform';
import type { MessageStore } from '../store/message-store';
import { FilterFaults } from './filter/filter-faults';
import { Judge } from './filter/judge';
import type { Metadata } from './metadata';
import { Offsets, type OffsetParts } from './offsets/offsets';
import { ClientTable } from './pop/client-table';
import { FinishService } from './pop/finish-service';
import { LedgerBook, type LedgerEvents } from './pop/ledger-book';
import { LedgerLog } from './pop/ledger-log';
import type { LedgerSink } from './pop/ledger-sink';
import { LostDeliveries } from './pop/lost-deliveries';
import { PopService, type PopParts } from './pop/pop-service';
import { ReceiptHandles } from './pop/receipt-handles';
import type { TokenKeys } from './pop/receipt-token';
import { RetryTopics } from './pop/retry-topics';
import { RunningPops } from './pop/running-pops';
import { Selector } from './pop/selection';
import { UnseenMessages } from './pop/unseen-messages';
import type { BrokerSettings } from './settings';

/** The ledgers, and where their changes go. */
export interface Ledgers {
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  /** What the book tells; whoever delivers sets it. */
  readonly events: LedgerEvents;
}

export interface DeliveryParts {
  readonly store: MessageStore;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly settings: BrokerSettings;
  readonly metadata: Metadata;
  readonly ledgers: Ledgers;
  /** Of receipt handles. */
  readonly keys: TokenKeys;
  readonly queuesOf: PopParts['queuesOf'];
  readonly begun: OffsetParts['begun'];
  /** Whether groups may begin on their retry topics. */
  readonly beginsRetries: boolean;
}

/** Empty ledgers. */
export function makeLedgers(
  platform: Platform,
  settings: BrokerSettings,
  { groups }: Pick<Metadata, 'groups'>,
  sink: LedgerSink,
): Ledgers {
  const nothing = (): void => undefined;
  const events: LedgerEvents = {
    ready: nothing,
    exhausted: nothing,
    maxAttempts: (group) => groups.get(group)?.maxAttempts ?? Infinity,
  };
  const clients = new ClientTable(platform.clock);
  const book = new LedgerBook(platform, clients, settings, events);
  return { book, log: new LedgerLog(sink, platform.timers), events };
}

export class Delivery {
  readonly faults: FilterFaults;
  readonly handles: ReceiptHandles;
  readonly finishing: FinishService;
  readonly pops: PopService;
  readonly retries: RetryTopics;
  readonly offsets: Offsets;
  readonly running = new RunningPops();

  constructor({ ledgers, keys, queuesOf, begun, beginsRetries, ...parts }: DeliveryParts) {
    const { store, platform, logger, settings, metadata } = parts;
    const { book, log, events } = ledgers;
    const { brokerName } = settings;
    const { topics, groups } = metadata;
    const isFifo = fifoIn(metadata);
    const filters = new FilterCache();
    this.handles = new ReceiptHandles(brokerName, keys, book);
    this.faults = new FilterFaults(platform.clock, logger);
    const judge = new Judge(store, this.faults);
    const selector = new Selector({
      ...{ store, book, log, judge, settings, platform, isFifo },
      hasPriorities: (topic) => topics.get(topic)?.type === 'PRIORITY',
    });
    const { handles } = this;
    this.finishing = new FinishService({
      ...{ book, log, handles },
      lost: new LostDeliveries({
        ...{ store, book },
        unseen: new UnseenMessages({ store, book, log, isFifo }),
      }),
      takeNonce: () => selector.takeNonce(),
      backoffOf: (group) => groups.get(group)?.backoff ?? DEFAULT_BACKOFF,
    });
    const { finishing } = this;
    this.pops = new PopService({
      ...{ store, book, log, handles, selector, finishing, filters, judge, isFifo },
      ...{ platform, settings, logger, queuesOf },
    });
    events.ready = (ready) => this.pops.becameReady(ready);
    const { clock } = platform;
    this.retries = new RetryTopics({
      ...{ store, metadata, book, log, clock, pops: this.pops },
      begins: beginsRetries,
    });
    this.offsets = new Offsets({
      ...{ store, platform, settings, filters, judge, book, log, running: this.running },
      ...{ brokerName, topics, groups, begun },
      becameReady: (ready) => this.pops.becameReady(ready),
    });
  }

  /** See `BrokerApi.ack`. */
  ack(request: AckRequest): Promise<readonly EntryStatus[]> {
    return this.retries.ack(request, (part) => this.finishing.ack(part));
  }

  /** See `BrokerApi.changeInvisible`. */
  changeInvisible(request: ChangeInvisibleRequest): Promise<string> {
    return this.finishing.changeInvisible(this.retries.routed(request));
  }

  /** See `BrokerApi.release`. */
  release(request: AckRequest): Promise<void> {
    return this.retries.release(request, (part) => this.finishing.release(part));
  }

  /** Fails all receives and pulls that wait; none is woken any more. */
  close(error: StatusError): void {
    this.pops.close(error);
    this.offsets.close(error);
  }
}

/** Which groups of consumers receive each message group in order. */
export function fifoIn({ groups }: Pick<Metadata, 'groups'>): (group: string) => boolean {
  return (name) => {
    const group = groups.get(name);
    return group !== undefined && isOrdered(group);
  };
}
