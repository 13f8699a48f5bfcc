import type { BrokerHealthSettings } from './broker-health';
import { DEFAULT_MESSAGE_LIMITS, type MessageLimits } from '../message/message-checks';

/** What a proxy may be told; every limit has its documented answer. Durations are milliseconds. */
export interface ProxySettings {
  /**
   * `host:port` that routes answer instead of the address the client used; several are replicas of
   * one entry and must all be IPv4 or all IPv6. Default none.
   */
  readonly advertise: readonly string[];
  /** Whether QueryRoute or SendMessage of an unknown legal name makes a NORMAL topic. Default false. */
  readonly autoCreateTopics: boolean;
  /** Queues on each broker of a topic made so, 1 .. 1024. Default 8. */
  readonly autoCreateQueues: number;
  /** Topics made so in a second, at most; beyond: TOO_MANY_REQUESTS. Default 100. */
  readonly autoCreatePerSecond: number;
  /** Longest wait for the route of a topic just made; then TOPIC_NOT_FOUND. Default 2000. */
  readonly routeWaitMs: number;
  /**
   * A broker that left the routes stays so long in those that clients are told: it may come back, or another master of
   * its name. Then its topics are not there any more, and handles of its messages void. Default 30,000.
   */
  readonly brokerLingerMs: number;
  /**
   * Longest wait of a call for a master of a broker name, where the client's deadline does not end before; then
   * HA_NOT_AVAILABLE or PROXY_TIMEOUT, by what was wrong with the last one. Default 30,000.
   */
  readonly masterWaitMs: number;

  /** Limits of one message; see there for codes. */
  readonly message: MessageLimits;
  /** Messages in one SendMessage, at most; beyond: BAD_REQUEST. Default 1024. */
  readonly maxMessagesPerSend: number;
  /** A broker must have stored a message within this; then PROXY_TIMEOUT. Default 5000. */
  readonly sendTimeoutMs: number;
  /** Whether RecallMessage is served; else FORBIDDEN. Default true. */
  readonly recall: boolean;
  /** Bytes of message bodies being sent, at most (one request always fits); beyond: TOO_MANY_REQUESTS. Default 256 MiB. */
  readonly maxSendingBytes: number;

  /** Shortest invisible duration of a receive; below: ILLEGAL_INVISIBLE_TIME. Default 10,000. */
  readonly minInvisibleMs: number;
  /** Longest invisible duration; above: ILLEGAL_INVISIBLE_TIME. Default 12 h. */
  readonly maxInvisibleMs: number;
  /** Invisible duration of receives that the broker renews (push consumers). Default 60,000. */
  readonly autoRenewInvisibleMs: number;
  /** A shorter long poll becomes this; a deadline nearer than this gets ILLEGAL_POLLING_TIME. Default 5000. */
  readonly minPollMs: number;
  /** A longer long poll becomes this; also what consumers are told to use. Default 20,000. */
  readonly maxPollMs: number;
  /** An empty poll is answered at least so long before the call's deadline. Default 200. */
  readonly pollMarginMs: number;
  /** Messages in one receive, at most; more asked become this. Default 32. */
  readonly maxReceiveBatch: number;
  /** Bytes of received messages that clients have not taken yet, at most; beyond, receives get TOO_MANY_REQUESTS. Default 256 MiB. */
  readonly maxDeliveringBytes: number;
  /** A receiver that takes nothing for so long is cut off, its messages are given back. Default 30,000. */
  readonly writeStallMs: number;
  /** Entries in one AckMessage, at most; beyond: BAD_REQUEST. Default 1024. */
  readonly maxAckEntries: number;

  /** Unary calls under way, for each RPC family; beyond: TOO_MANY_REQUESTS "flow limit". Default 10,000. */
  readonly maxCalls: number;
  /** ReceiveMessage calls under way; beyond: TOO_MANY_REQUESTS. Default 100,000. */
  readonly maxReceives: number;
  /** Telemetry streams open; beyond: TOO_MANY_REQUESTS. Default 100,000. */
  readonly maxStreams: number;
  /** Clients whose settings are kept; beyond, settings of new clients get TOO_MANY_REQUESTS. Default 100,000. */
  readonly maxClients: number;
  /** A client without a stream that is not heard from for so long is forgotten. Default 120,000. */
  readonly clientExpiryMs: number;
  /** Topics in the settings of one client, at most; beyond: BAD_REQUEST. Default 4096. */
  readonly maxTopicsPerClient: number;
  /** A client's heartbeats reach the brokers at most this often. Default 5000. */
  readonly heartbeatForwardMs: number;
  /** (group, topic) pairs known to be subscribed; the least used is forgotten and asked again. Default 100,000. */
  readonly maxKnownSubscriptions: number;
  /** Settings are answered when all brokers know the group, or after this when one does. Default 2000. */
  readonly subscribeWaitMs: number;

  /**
   * Brokers that are left out: after 3 answers over 2000 ms one after the other, or none; for 1000, then
   * twice as long up to 300,000; a probe may take 3000.
   */
  readonly health: BrokerHealthSettings;

  /** Sends of one message that a producer is told to try. Default 3. */
  readonly producerMaxAttempts: number;
  /** Lite topics that one client may receive, as consumers are told whose group says nothing. Default 2000. */
  readonly liteSubscriptionQuota: number;
}

export const DEFAULT_PROXY_SETTINGS: ProxySettings = {
  advertise: [],
  autoCreateTopics: false,
  autoCreateQueues: 8,
  autoCreatePerSecond: 100,
  routeWaitMs: 2000,
  brokerLingerMs: 30_000,
  masterWaitMs: 30_000,
  message: DEFAULT_MESSAGE_LIMITS,
  maxMessagesPerSend: 1024,
  sendTimeoutMs: 5000,
  recall: true,
  maxSendingBytes: 256 * 1024 * 1024,
  minInvisibleMs: 10_000,
  maxInvisibleMs: 12 * 3_600_000,
  autoRenewInvisibleMs: 60_000,
  minPollMs: 5000,
  maxPollMs: 20_000,
  pollMarginMs: 200,
  maxReceiveBatch: 32,
  maxDeliveringBytes: 256 * 1024 * 1024,
  writeStallMs: 30_000,
  maxAckEntries: 1024,
  maxCalls: 10_000,
  maxReceives: 100_000,
  maxStreams: 100_000,
  maxClients: 100_000,
  clientExpiryMs: 120_000,
  maxTopicsPerClient: 4096,
  heartbeatForwardMs: 5000,
  maxKnownSubscriptions: 100_000,
  subscribeWaitMs: 2000,
  health: { slowMs: 2000, slowAnswers: 3, firstMs: 1000, longestMs: 300_000, probeMs: 3000 },
  producerMaxAttempts: 3,
  liteSubscriptionQuota: 2000,
};
