/** What a proxy knows of its clients and of itself, for operators. */
import type { Subscription } from './broker-api';

/** A client that has made itself known to the proxy that is asked. */
export interface ClientView {
  readonly clientId: string;
  /** PRODUCER, PUSH_CONSUMER, SIMPLE_CONSUMER, ... */
  readonly type: string;
  /** '' for producers. */
  readonly group: string;
  /** As the client says: JAVA, GO, ...; '' when it does not say. */
  readonly language: string;
  readonly version: string;
  readonly host: string;
  /** The IP address that the proxy sees. */
  readonly address: string;
  /** Metadata that the client reports about itself. */
  readonly properties: Readonly<Record<string, string>>;
  readonly subscriptions: readonly Subscription[];
  /** Topics that a producer publishes. */
  readonly publishes: readonly string[];
  /** Whether a Telemetry stream of it is open: it can be sent commands. */
  readonly connected: boolean;
  /** When it was last heard from: its settings, heartbeats and receives; milliseconds since the epoch. */
  readonly heardMs: number;
}

export interface ListClientsRequest {
  /** '' for all. */
  readonly clientId: string;
  /** Members of this group only; '' for all clients. */
  readonly group: string;
  /** 1 to 1000. */
  readonly maxClients: number;
}

export interface ClientViews {
  /** Sorted by client id. */
  readonly clients: readonly ClientView[];
  /** All that were asked for, also those beyond the limit. */
  readonly total: number;
}

/** Rates are messages a second, over the last ten seconds. */
export interface ProxyStats {
  readonly name: string;
  readonly version: string;
  /** Messages that producers sent and that are stored. */
  readonly inPerSecond: number;
  /** Messages that consumers were given. */
  readonly outPerSecond: number;
  readonly connections: number;
  readonly producers: number;
  readonly consumers: number;
}
