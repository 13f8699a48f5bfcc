/** ReceiveMessage: a long-polling pop on one broker, its answer a stream. Hot path. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { BrokerApi, PopRequest, PoppedMessage, PopResult } from '../api/broker-api';
import type { BrokerQueues } from '../api/topic';
import { COMMON_MESSAGE_BYTES } from '../message/large-message';
import type { ResourceName } from '../message/public-message';
import { uniqueKeyOf } from '../message/record';
import { Code, StatusError, toStatusError } from '../message/status';
import { BoundedMap } from './bounded-map';
import type { MessagingServiceHandlers } from './messaging-handlers';
import {
  type ByteBudget,
  CallGate,
  failure,
  OK_STATUS,
  type PublicStatus,
  statusOf,
} from './calls';
import {
  type DeliveryTime,
  encodeDeliveries,
  type EncodedItem,
  type ReceiveMessageCall,
  type ReceiveMessageItem,
} from './codec/receive-codec';
import { DeliveryStream } from './delivery-stream';
import type { ProxyParts } from './parts';
import { DEFAULT_REQUEST_TIMEOUT_MS, type ReceiveOrder, receiveOrder } from './receive-request';
import { pollMaster } from './poll-master';
import { type RequestContext, requestContext } from './request-context';
import type { TopicRoute } from './route-table';

const NO_MESSAGE: PublicStatus = { code: Code.MESSAGE_NOT_FOUND, message: 'no new message' };

type ReceiveCall = ServerWritableStream<ReceiveMessageCall, ReceiveMessageItem>;
type ReceiveStream = DeliveryStream<DeliveryTime>;

/** What is to be asked of which broker. */
interface Pop {
  readonly brokerName: string;
  /** The topic as the consumer named it. */
  readonly topic: ResourceName;
  readonly request: PopRequest;
}

export class ReceiveFamily {
  private readonly gate: CallGate;
  private readonly log: Logger;
  private draining = false;
  /**
   * Which broker the next receive gets that names none, by group and topic: with one turn for all, polls that last as
   * long as each other would go to the same broker for ever.
   */
  private readonly turns: BoundedMap<string, number>;

  /** @param delivering bytes of messages on their way to clients */
  constructor(
    private readonly parts: ProxyParts,
    private readonly delivering: ByteBudget,
  ) {
    this.gate = new CallGate('ReceiveMessage', parts.settings.maxReceives);
    this.turns = new BoundedMap(parts.settings.maxKnownSubscriptions);
    this.log = parts.log;
  }

  handlers(): Pick<MessagingServiceHandlers, 'ReceiveMessage'> {
    return { ReceiveMessage: (call) => this.receive(call) };
  }

  /** Answers all polls that wait, new ones do not wait; resolves when none is under way. */
  drain(): Promise<void> {
    this.draining = true;
    this.parts.polls.endAll();
    return this.gate.whenIdle();
  }

  private receive(call: ReceiveCall): void {
    const { platform, settings } = this.parts;
    const stream: ReceiveStream = new DeliveryStream(call, platform.timers, settings.writeStallMs);
    let context: RequestContext;
    try {
      context = requestContext(call, platform.clock.wallMs());
      this.gate.enter();
    } catch (error) {
      stream.refuse(statusOf(error));
      return;
    }
    this.serve(call, context, stream)
      .catch((error: unknown) => {
        stream.end(failure(error, this.log, 'ReceiveMessage'), this.time());
      })
      .finally(() => this.gate.leave());
  }

  private async serve(
    call: ReceiveCall,
    context: RequestContext,
    stream: ReceiveStream,
  ): Promise<void> {
    const { settings, clients, routes, filters } = this.parts;
    const timeoutMs =
      clients.touch(context.clientId)?.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS;
    const order = receiveOrder(call.request, context, settings, timeoutMs, filters);
    const route = routes.get(order.topic.name);
    this.delivering.check(1);
    const pop = this.choose(order, route, context.clientId);
    const { brokerName, request } = pop;
    const { clientId, pollMs } = request;
    const poll = { brokerName, clientId, pollMs, endMs: this.parts.failover.endOf(context) };
    const popped = await pollMaster(this.parts, poll, stream, (broker, leftMs, signal) =>
      this.pop(broker, { ...pop, request: { ...request, pollMs: leftMs } }, signal),
    );
    const messages = popped ?? [];
    if (messages.length === 0) stream.end(NO_MESSAGE, this.time());
    else await this.deliver(messages, pop, stream);
  }

  /** The broker that the client asks for, where it holds the topic; else each that is well in turn. */
  private choose(order: ReceiveOrder, route: TopicRoute, clientId: string): Pop {
    const asked = route.brokers.find(({ brokerName }) => brokerName === order.brokerName);
    const queues = asked ?? this.next(order.group, route);
    if (queues === undefined) {
      throw new StatusError(Code.FORBIDDEN, `no readable queue of topic ${route.name}`);
    }
    const { group, attemptId, filter, maxMessages, invisibleMs, autoRenew } = order;
    const pollMs = this.draining ? 0 : order.pollMs;
    return {
      brokerName: queues.brokerName,
      topic: order.topic,
      request: {
        ...{ group, topic: route.name, clientId, attemptId, filter },
        ...{ maxMessages, invisibleMs, pollMs, autoRenew },
      },
    };
  }

  private next(group: string, route: TopicRoute): BrokerQueues | undefined {
    const others = this.parts.health.choice(route.brokers);
    const key = `${group} ${route.name}`;
    const turn = this.turns.get(key) ?? 0;
    this.turns.set(key, turn + 1);
    return others[turn % others.length];
  }

  /** Pops; a group that the broker has not heard of, or no longer knows, is subscribed first. */
  private async pop(broker: BrokerApi, pop: Pop, signal: AbortSignal): Promise<PopResult> {
    try {
      return await this.popOnce(broker, pop, signal);
    } catch (error) {
      if (toStatusError(error).code !== Code.CONSUMER_GROUP_NOT_FOUND) throw error;
      this.parts.subscriptions.forget(pop.request.group, pop.request.topic);
      return this.popOnce(broker, pop, signal);
    }
  }

  private async popOnce(
    broker: BrokerApi,
    { brokerName, request }: Pop,
    signal: AbortSignal,
  ): Promise<PopResult> {
    const { group, topic, clientId, filter } = request;
    const subscriber = { group, clientId, subscriptions: [{ topic, filter }] };
    const subscribing = this.parts.subscriptions.ensure(subscriber, topic, brokerName);
    if (subscribing !== undefined) await subscribing;
    if (signal.aborted) return [];
    return broker.pop(request, signal);
  }

  private async deliver(messages: PopResult, pop: Pop, stream: ReceiveStream): Promise<void> {
    let bytes = 0;
    for (const { record } of messages) bytes += record.length;
    this.delivering.add(bytes);
    const items = this.encode(messages, pop);
    let written = 0;
    try {
      if (items.length === 0) stream.end(NO_MESSAGE, this.time());
      else written = await stream.deliver(OK_STATUS, items, () => this.time());
    } finally {
      this.delivering.give(bytes);
      this.parts.traffic.out.add(written);
      if (written < items.length) this.notTaken(items.slice(written), pop);
    }
  }

  private time(): DeliveryTime {
    return { delivery_timestamp_ms: this.parts.platform.clock.wallMs() };
  }

  /** A record that cannot be read is left out: it comes again, and counts attempts until it is given up. */
  private encode(messages: PopResult, { topic, brokerName }: Pop): EncodedItem<PoppedMessage>[] {
    return encodeDeliveries(messages, topic, (_message, err) => {
      this.log.error({ err, brokerName, topic: topic.name }, 'record not readable');
    });
  }

  /**
   * A message that is too large for some clients must not come again at once and for ever: it was an attempt, and
   * its next one waits, until it is a dead letter.
   */
  private notTaken(items: readonly EncodedItem<PoppedMessage>[], pop: Pop): void {
    const isLarge = ({ encoded }: EncodedItem): boolean => encoded.length > COMMON_MESSAGE_BYTES;
    for (const item of items.filter(isLarge)) this.largeNotTaken(item, pop);
    const rest = items.filter((item) => !isLarge(item)).map(({ delivery }) => delivery);
    if (rest.length > 0) this.giveBack(rest, pop);
  }

  private largeNotTaken({ encoded, delivery }: EncodedItem<PoppedMessage>, pop: Pop): void {
    const { brokerName, request } = pop;
    const { group, topic, clientId, autoRenew } = request;
    const messageId = uniqueKeyOf(delivery.record);
    const { attempt, receiptHandle } = delivery;
    this.log.warn(
      { group, topic, clientId, messageId, attempt, bytes: encoded.length },
      'message not taken: many clients take at most 4 MiB unless told otherwise',
    );
    // Otherwise its invisible time ends by itself.
    if (!autoRenew) return;
    this.parts.pool
      .find(brokerName)
      ?.changeInvisible({ group, topic, messageId, receiptHandle, invisibleMs: 0, suspend: false })
      .catch((err: unknown) => this.log.warn({ err, brokerName, group, topic }, 'not put off'));
  }

  /** Messages that did not get through come again soon, without an attempt counted. */
  private giveBack(messages: PopResult, { brokerName, request }: Pop): void {
    const { group, topic, clientId } = request;
    this.log.debug({ group, topic, clientId, messages: messages.length }, 'messages given back');
    const entries = messages.map(({ record, receiptHandle }) => ({
      receiptHandle,
      messageId: uniqueKeyOf(record),
    }));
    this.parts.pool
      .find(brokerName)
      ?.release({ group, topic, entries })
      .catch((err: unknown) => this.log.warn({ err, brokerName, group, topic }, 'not given back'));
  }
}
