/** SendMessage. Hot path. */
import type { BrokerApi, SendRequest, SendResult } from '../api/broker-api';
import { formatRecallHandle } from '../api/recall-handle';
import type { BrokerQueues } from '../api/topic';
import { draftOf } from '../message/incoming-message';
import {
  checkMessage,
  checkTypeFitsTopic,
  messageTypeOf,
  systemPropertiesOf,
} from '../message/message-checks';
import { checkTopicName } from '../message/names';
import type { IncomingMessage } from '../message/public-message';
import type { RecordDraft } from '../message/record-draft';
import { Code, StatusError, toStatusError } from '../message/status';
import { wasNotDone } from './away';
import type { MessagingServiceHandlers } from './messaging-handlers';
import { ByteBudget, type CallGate, commonStatus, OK_STATUS, statusOf, unary } from './calls';
import type { SendMessageAnswer, SendMessageCall, SendResultEntry } from './codec/send-codec';
import { NO_WAIT } from './failover';
import type { ProxyParts } from './parts';
import type { RequestContext } from './request-context';
import type { TopicRoute } from './route-table';
import { TimeLimit } from '../platform/time-limit';

/** A message's place; the broker is named for one that waits for its delivery time. */
interface Placed extends SendResult {
  readonly brokerName?: string;
}

/** Until when a send may wait, by the monotonic clock. */
interface Until {
  readonly master: number;
  /** For another route of its topic. */
  readonly route: number;
}

type Queues = Pick<TopicRoute, 'name' | 'brokers' | 'writable' | 'totalQueues'>;

/** A message that has passed all checks. */
interface Checked {
  readonly messageId: string;
  /** '' for none. */
  readonly messageGroup: string;
  readonly priority: number | undefined;
  /** Of a LITE topic; '' for none. */
  readonly liteTopic: string;
  readonly draft: RecordDraft;
  /** Whether it is the half message of a transaction. */
  readonly half: boolean;
}

export class SendFamily {
  private readonly sending: ByteBudget;
  private readonly limit: TimeLimit;

  constructor(private readonly parts: ProxyParts) {
    this.sending = new ByteBudget('being sent', parts.settings.maxSendingBytes);
    this.limit = new TimeLimit(parts.platform, parts.settings.sendTimeoutMs);
  }

  handlers(gate: CallGate): Pick<MessagingServiceHandlers, 'SendMessage'> {
    return {
      SendMessage: unary(this.parts, gate, (request, context) => this.send(request, context)),
    };
  }

  close(): void {
    this.limit.close();
  }

  /** @throws StatusError what refuses the whole request */
  async send(
    request: SendMessageCall,
    context: Pick<RequestContext, 'peer' | 'remainingMs'>,
  ): Promise<SendMessageAnswer> {
    const { messages } = request;
    const topic = this.checkRequest(messages);
    const nowMs = this.parts.platform.clock.wallMs();
    for (const message of messages) checkMessage(message, this.parts.settings.message, nowMs);
    const route = this.parts.routes.find(topic) ?? (await this.parts.creation.routeOf(topic));
    const checked = messages.map((message) => check(message, route, context));
    let bytes = 0;
    for (const { body } of messages) bytes += body.length;
    this.sending.take(bytes);
    const until = this.limits(context);
    try {
      const [first] = checked;
      if (first !== undefined && checked.length === 1) {
        const entry = await this.store(first, route, until);
        return { status: entry.status, entries: [entry] };
      }
      const entries = await Promise.all(checked.map((one) => this.store(one, route, until)));
      return { status: commonStatus(entries.map(({ status }) => status)), entries };
    } finally {
      this.sending.give(bytes);
    }
  }

  /** Answers the one topic of all messages. */
  private checkRequest(messages: readonly IncomingMessage[]): string {
    const [first] = messages;
    if (first === undefined) {
      throw new StatusError(Code.MESSAGE_CORRUPTED, 'no message to send');
    }
    const { maxMessagesPerSend } = this.parts.settings;
    if (messages.length > maxMessagesPerSend) {
      throw new StatusError(
        Code.BAD_REQUEST,
        `messages has ${messages.length} entries, the limit is ${maxMessagesPerSend}`,
      );
    }
    const topic = first.topic?.name ?? '';
    checkTopicName(topic);
    const other = messages.find((message) => message.topic?.name !== topic);
    if (other !== undefined) {
      throw new StatusError(
        Code.MESSAGE_CORRUPTED,
        `topic in message is not same: ${topic} and ${other.topic?.name ?? ''}`,
      );
    }
    return topic;
  }

  private limits(context: Pick<RequestContext, 'remainingMs'>): Until {
    const { failover, platform, settings } = this.parts;
    const longestMs = Math.min(settings.sendTimeoutMs, context.remainingMs ?? Infinity);
    return { master: failover.endOf(context), route: platform.clock.monotonicMs() + longestMs };
  }

  private async store(message: Checked, route: TopicRoute, until: Until): Promise<SendResultEntry> {
    const { messageId } = message;
    try {
      const placed = await this.place(message, route, until);
      this.parts.traffic.in.add(1);
      const entry = { status: OK_STATUS, message_id: messageId, offset: placed.queueOffset };
      if (message.half) return { ...entry, transaction_id: messageId };
      const { brokerName } = placed;
      if (brokerName === undefined) return entry;
      return { ...entry, recall_handle: recallHandle(message, brokerName) };
    } catch (error) {
      return { status: statusOf(error) };
    }
  }

  /** A broker that knows better than the route stores nothing: the queue is chosen again once the route tells. */
  private async place(message: Checked, first: TopicRoute, until: Until): Promise<Placed> {
    const { platform, routes } = this.parts;
    for (let route = first; ;) {
      try {
        return await this.placeBy(route, message, until);
      } catch (error) {
        const restMs = until.route - platform.clock.monotonicMs();
        if (!isMoved(error) || restMs <= 0) throw error;
        route = await routes.waitForOther(route.name, route, restMs);
      }
    }
  }

  /**
   * The queue follows from the message group, or the lite topic, so that its messages lie in one queue in order; without
   * one from the message id, so that a repeated send meets the same broker's duplicate window. Another
   * broker is tried only when the first one is left out at present or certainly stored nothing, and never
   * for a message group. Where none is left, or the one that has the message group does not lead, its next master is waited for.
   */
  private placeBy(route: TopicRoute, message: Checked, until: Until): Promise<Placed> {
    const { messageGroup, liteTopic, draft } = message;
    const order = liteTopic === '' ? messageGroup : liteTopic;
    if (order === '') return this.placeAnywhere(message, route, until);
    const { brokerName, ...place } = route.order.placeOf(order);
    const sent = { draft, ...(liteTopic === '' ? {} : { liteTopic }), ...place };
    return this.sendTo(brokerName, sent, false, until.master);
  }

  /** The queue of a message with a priority is that priority, on whichever broker. */
  private async placeAnywhere(
    { messageId, priority, draft, half }: Checked,
    route: TopicRoute,
    until: Until,
  ): Promise<Placed> {
    const hash = hashOf(messageId);
    const { writable } = route;
    if (writable.length === 0) throw this.noneTakes(route);
    const { broker, queueId } = queueOf(route, hash % route.totalQueues);
    const ring = [...writable.slice(broker), ...writable.slice(0, broker)];
    const [home] = ring;
    if (home === undefined) throw new RangeError(`topic ${route.name} has no broker`);
    const send = ({ brokerName, queues }: BrokerQueues, untilMs: number): Promise<Placed> => {
      const spread = brokerName === home.brokerName ? queueId : hash % queues;
      const at = priority === undefined ? spread : Math.min(priority, queues - 1);
      return this.sendTo(brokerName, { queueId: at, draft }, half, untilMs);
    };
    if (ring.length === 1) return send(home, until.master);
    for (const queues of this.parts.health.choice(ring)) {
      try {
        return await send(queues, NO_WAIT);
      } catch (error) {
        if (!wasNotDone(error) && !isMoved(error)) throw error;
      }
    }
    return send(home, until.master);
  }

  private noneTakes({ name, brokers }: TopicRoute): StatusError {
    const { routes } = this.parts;
    const away = brokers.filter(({ brokerName }) => routes.standsIn(brokerName));
    if (away.length === 0) {
      return new StatusError(Code.FORBIDDEN, `all brokers of topic ${name} are being drained`);
    }
    const names = away.map(({ brokerName }) => brokerName).join(', ');
    const text = `no broker takes messages of topic ${name}: the master of ${names} is away and its replica only serves reads`;
    return new StatusError(Code.HA_NOT_AVAILABLE, text);
  }

  private sendTo(
    brokerName: string,
    request: SendRequest,
    half: boolean,
    endMs: number,
  ): Promise<Placed> {
    const { health, failover } = this.parts;
    const sent: Promise<SendResult> = failover.call(brokerName, endMs, (broker) =>
      health.watch(brokerName, () => this.limited(broker, request, half)),
    );
    if (request.draft.deliverMs === undefined) return sent;
    return sent.then((result) => (result.delayed === true ? { ...result, brokerName } : result));
  }

  private limited(broker: BrokerApi, request: SendRequest, half: boolean): Promise<SendResult> {
    const { sendTimeoutMs } = this.parts.settings;
    const sent = half ? broker.transactions.prepare(request) : broker.send(request);
    const late = (): StatusError =>
      new StatusError(Code.PROXY_TIMEOUT, `not stored within ${sendTimeoutMs} ms`);
    return this.limit.guard(sent, late);
  }
}

function check(
  message: IncomingMessage,
  route: TopicRoute,
  context: Pick<RequestContext, 'peer'>,
): Checked {
  const system = systemPropertiesOf(message);
  const type = messageTypeOf(system);
  checkTypeFitsTopic(type, route.name, route.type);
  return {
    messageId: system.message_id,
    messageGroup: system.message_group ?? '',
    priority: system.priority,
    liteTopic: type === 'LITE' ? (system.lite_topic ?? '') : '',
    draft: draftOf(message, context.peer),
    half: type === 'TRANSACTION',
  };
}

/** The broker that a message without a group goes to, unless that one is away. */
export function firstBroker(route: Queues, messageId: string): string {
  const { brokers, writable, totalQueues } = route;
  if (totalQueues === 0) return brokers[0]?.brokerName ?? '';
  const { broker } = queueOf(route, hashOf(messageId) % totalQueues);
  return writable[broker]?.brokerName ?? '';
}

/** Whether a broker has stored nothing, as the message belongs elsewhere now. */
function isMoved(error: unknown): boolean {
  return toStatusError(error).code === Code.NOT_FOUND;
}

function recallHandle({ messageId, draft }: Checked, brokerName: string): string {
  const { topic, deliverMs = 0 } = draft;
  return formatRecallHandle({ topic, brokerName, deliverMs, messageId });
}

/** The n-th queue of a topic that takes new messages: its broker's place among those that do, and its id there. */
function queueOf(route: Queues, index: number): { broker: number; queueId: number } {
  let rest = index;
  for (let broker = 0; broker < route.writable.length; broker++) {
    const queues = route.writable[broker]?.queues ?? 0;
    if (rest < queues) return { broker, queueId: rest };
    rest -= queues;
  }
  throw new RangeError(`queue ${index} is not among the ${route.totalQueues} of ${route.name}`);
}

/** FNV-1a over the id's characters, then murmur3's finaliser: ids differ in few characters only. */
export function hashOf(messageId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < messageId.length; i++) {
    hash = Math.imul(hash ^ messageId.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
