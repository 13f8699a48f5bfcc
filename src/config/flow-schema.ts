/** What may be under way at a time. */
import { MAX_LITE_IDLE_MS, MAX_LITE_QUOTA } from '../api/topic';
import { option } from './option';

const MIB = 1024 * 1024;
const MILLION = 1_000_000;

const atMost = (fallback: number, max: number, doc: string) =>
  option('integer', fallback, doc, { min: 1, max, advanced: true });

export const consumerFlow = {
  inflight: atMost(
    2 * MILLION,
    100 * MILLION,
    'Messages in flight on the broker, at most; beyond, receives give nothing new until some are acknowledged.',
  ),
  inflightPerGroup: atMost(
    1.5 * MILLION,
    100 * MILLION,
    'Messages of one consumer group in flight on the broker, at most; beyond, its receives give nothing new.',
  ),
  inflightPerQueue: atMost(
    MILLION,
    100 * MILLION,
    'Messages of one queue that a consumer group has in flight, at most; beyond, its receives give nothing new of that queue.',
  ),
  waiting: atMost(
    100_000,
    MILLION,
    'Receives that wait for messages on the broker, at most; more get TOO_MANY_REQUESTS.',
  ),
  waitingPerGroup: atMost(
    10_000,
    MILLION,
    'Receives of one consumer group that wait for messages of one topic, at most; more get TOO_MANY_REQUESTS.',
  ),
  passedOver: option(
    'duration',
    30_000,
    'How long receives may pass over a priority that has messages ready, for higher ones; then the next receive takes from it first.',
    { min: 1, max: 86_400_000, advanced: true },
  ),
};

const litePerClient = option(
  'integer',
  2000,
  'Lite topics that one client may receive, where its group says nothing; more get LITE_SUBSCRIPTION_QUOTA_EXCEEDED.',
  { min: 1, max: MAX_LITE_QUOTA },
);

/** Of brokers. */
export const lite = {
  topics: atMost(
    200_000,
    10 * MILLION,
    'Lite topics of all parent topics, at most; more get LITE_TOPIC_QUOTA_EXCEEDED.',
  ),
  perParent: atMost(
    150_000,
    10 * MILLION,
    'Lite topics of one parent topic, at most; more get LITE_TOPIC_QUOTA_EXCEEDED.',
  ),
  subscriptions: atMost(
    400_000,
    10 * MILLION,
    'Lite topics that clients receive, each counted for each client, at most; more get LITE_SUBSCRIPTION_QUOTA_EXCEEDED.',
  ),
  perGroup: atMost(200_000, 10 * MILLION, 'The same for the clients of one consumer group.'),
  perClient: litePerClient,
  idle: option(
    'duration',
    3 * 24 * 3_600_000,
    'A lite topic that nobody has sent to or received from for this long is removed with its messages, where its parent topic says nothing; 0 is never.',
    { min: 0, max: MAX_LITE_IDLE_MS },
  ),
};

/** Of proxies, which tell their clients. */
export const liteServing = { perClient: litePerClient };

export const dedup = {
  window: option(
    'duration',
    120_000,
    'How long a message id is known: a send that repeats it is answered with the first result and stores nothing; 0 is off.',
    { min: 0, max: 3_600_000 },
  ),
  maxEntries: atMost(
    MILLION,
    100 * MILLION,
    'Message ids that are known, at most, 32 to 56 bytes each; beyond, the oldest is forgotten before its time.',
  ),
};

export const transactions = {
  firstCheck: option(
    'duration',
    6000,
    'The age of a transaction at which its producer is asked first, unless its message says another one.',
    { min: 1, max: 3_600_000 },
  ),
  checkInterval: option('duration', 30_000, 'How long after that it is asked again.', {
    min: 1000,
    max: 3_600_000,
  }),
  checks: option(
    'integer',
    15,
    'How often producers are asked before the transaction is rolled back.',
    { min: 1, max: 1000 },
  ),
  classic: option(
    'switch',
    false,
    'Ask 5 times, as older texts about RocketMQ describe, whatever transactions.checks says.',
  ),
  pending: atMost(
    MILLION,
    10 * MILLION,
    'Transactions that have not ended, at most; more get TOO_MANY_REQUESTS.',
  ),
};

export const proxyFlow = {
  calls: atMost(
    10_000,
    MILLION,
    'Calls under way, for each family of RPCs; more get TOO_MANY_REQUESTS.',
  ),
  receives: atMost(100_000, MILLION, 'Receives under way; more get TOO_MANY_REQUESTS.'),
  sendingBytes: option(
    'size',
    256 * MIB,
    'Bodies of messages that are being sent, at most; more get TOO_MANY_REQUESTS.',
    { min: MIB, max: 65_536 * MIB, advanced: true },
  ),
  deliveringBytes: option(
    'size',
    256 * MIB,
    'Messages that were received and that clients have not taken yet, at most; more receives get TOO_MANY_REQUESTS.',
    { min: MIB, max: 65_536 * MIB, advanced: true },
  ),
};
