/** Telemetry: clients say what they are and learn how to behave; commands to them go out here. */
import { Metadata, status as GrpcStatus, type ServerDuplexStream } from '@grpc/grpc-js';
import { checkGroupName, checkTopicName } from '../message/names';
import { Code, StatusError } from '../message/status';
import { toMs } from '../message/time';
import { headerOf } from '../rpc/call-context';
import { ClientType } from '../rpc/generated/apache/rocketmq/v2/ClientType';
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { Publishing__Output } from '../rpc/generated/apache/rocketmq/v2/Publishing';
import type { Settings, Settings__Output } from '../rpc/generated/apache/rocketmq/v2/Settings';
import type { Subscription__Output } from '../rpc/generated/apache/rocketmq/v2/Subscription';
import type {
  TelemetryCommand,
  TelemetryCommand__Output,
} from '../rpc/generated/apache/rocketmq/v2/TelemetryCommand';
import { failure, OK_STATUS, statusOf } from './calls';
import { checkClientProperties } from './client-properties';
import type { ClientAbout, ClientSettings } from './client-registry';
import { checkSettingsType } from './client-types';
import type { ProxyParts } from './parts';
import { DEFAULT_REQUEST_TIMEOUT_MS, filterOf } from './receive-request';
import { requestContext, type RequestContext } from './request-context';
import { consumerAnswer, producerAnswer } from './settings-answer';

type Call = ServerDuplexStream<TelemetryCommand__Output, TelemetryCommand>;

export class TelemetryFamily {
  private readonly streams = new Set<Call>();
  private draining = false;

  constructor(private readonly parts: ProxyParts) {}

  handlers(): Pick<MessagingServiceHandlers, 'Telemetry'> {
    return { Telemetry: (call) => this.open(call) };
  }

  /** Ends all streams: clients make new ones, at another proxy. */
  drain(): void {
    this.draining = true;
    this.parts.commands.close();
    for (const call of this.streams) call.end();
    this.streams.clear();
  }

  private open(call: Call): void {
    // Some clients wait for the headers before they send anything.
    call.sendMetadata(new Metadata());
    let context: RequestContext;
    try {
      context = requestContext(call, this.parts.platform.clock.wallMs());
      this.checkRoom();
    } catch (error) {
      call.write({ status: statusOf(error) });
      call.end();
      return;
    }
    this.streams.add(call);
    const { clientId } = context;
    const ended = (): void => {
      this.streams.delete(call);
      this.parts.clients.streamEnded(clientId, call);
      this.parts.commands.ended(clientId, call);
      this.parts.checks.producers.ended(clientId, call);
    };
    call.on('data', (command: TelemetryCommand__Output) => {
      // One command at a time: a client that sends faster than it is answered waits.
      call.pause();
      void this.handle(call, context, command).then(() => call.resume());
    });
    call.on('end', () => {
      ended();
      call.end();
    });
    for (const event of ['cancelled', 'close', 'error']) call.on(event, ended);
  }

  private checkRoom(): void {
    const { maxStreams } = this.parts.settings;
    if (this.draining) throw new StatusError(Code.PROXY_TIMEOUT, 'this proxy is stopping');
    if (this.streams.size < maxStreams) return;
    throw new StatusError(
      Code.TOO_MANY_REQUESTS,
      `flow limit: ${this.streams.size} telemetry streams are open, the limit is ${maxStreams}`,
    );
  }

  /** Answers every settings command; other commands are answers to ours. */
  private async handle(
    call: Call,
    context: RequestContext,
    command: TelemetryCommand__Output,
  ): Promise<void> {
    if (!command.settings) return this.parts.commands.answered(call, command);
    try {
      const settings = await this.merge(call, context, command.settings);
      if (!this.streams.has(call)) return;
      call.write({ status: OK_STATUS, settings });
      this.parts.commands.attached(context.clientId, call);
    } catch (error) {
      if (this.streams.delete(call)) this.fail(call, error);
    }
  }

  /** A failure ends the stream with a gRPC error: what clients expect of this RPC. */
  private fail(call: Call, error: unknown): void {
    const { code, message } = failure(error, this.parts.log, 'Telemetry');
    const details = `process client telemetryCommand failed. ${message}`;
    const clientsFault = code >= 40000 && code < 50000;
    const grpcCode = clientsFault ? GrpcStatus.INVALID_ARGUMENT : GrpcStatus.INTERNAL;
    call.emit('error', Object.assign(new Error(details), { code: grpcCode, details }));
  }

  private async merge(
    call: Call,
    context: RequestContext,
    sent: Settings__Output,
  ): Promise<Settings> {
    checkClientProperties(sent.client_properties);
    checkSettingsType(sent);
    if (sent.publishing) return this.producer(call, context, sent, sent.publishing);
    if (sent.subscription) return this.consumer(call, context, sent, sent.subscription);
    throw new StatusError(
      Code.BAD_REQUEST,
      'there is no publishing or subscription data in settings',
    );
  }

  private producer(
    call: Call,
    context: RequestContext,
    sent: Settings__Output,
    publishing: Publishing__Output,
  ): Settings {
    this.checkCount('publishing.topics', publishing.topics.length);
    const published = publishing.topics.map(({ name }) => name);
    for (const topic of published) checkTopicName(topic);
    this.keep(call, context, sent, ClientType.PRODUCER, {
      group: '',
      subscriptions: [],
      published,
    });
    if (this.streams.has(call)) this.parts.checks.producers.put(context.clientId, published, call);
    return producerAnswer(sent, publishing, this.parts.settings);
  }

  private async consumer(
    call: Call,
    context: RequestContext,
    sent: Settings__Output,
    subscription: Subscription__Output,
  ): Promise<Settings> {
    const { clientId } = context;
    const group = subscription.group?.name ?? '';
    checkGroupName(group);
    this.checkCount('subscription.subscriptions', subscription.subscriptions.length);
    const subscriptions = subscription.subscriptions.map(({ topic, expression }) => {
      checkTopicName(topic?.name ?? '');
      return { topic: topic?.name ?? '', filter: filterOf(expression, this.parts.filters) };
    });
    // Without a topic there is nothing to start on yet, and nothing that says whether a new group is FIFO.
    const config =
      subscriptions.length === 0
        ? this.parts.subscriptions.group(group)
        : await this.parts.subscriptions.subscribe({ group, clientId, subscriptions });
    if (this.streams.has(call)) {
      this.parts.checks.producers.remove(clientId);
      const kept = { group, subscriptions, published: [] };
      this.keep(call, context, sent, ClientType.PUSH_CONSUMER, kept);
    }
    return consumerAnswer(sent, subscription, config, this.parts.settings);
  }

  private keep(
    call: Call,
    context: RequestContext,
    sent: Settings__Output,
    defaultType: number,
    kept: Pick<ClientSettings, 'group' | 'subscriptions' | 'published'>,
  ): void {
    const clientType = sent.client_type || defaultType;
    const requestTimeoutMs = toMs(sent.request_timeout) || DEFAULT_REQUEST_TIMEOUT_MS;
    const about = aboutClient(call, context, sent);
    this.parts.clients.put(
      context.clientId,
      { clientType, requestTimeoutMs, about, ...kept },
      call,
    );
  }

  private checkCount(field: string, count: number): void {
    const { maxTopicsPerClient } = this.parts.settings;
    if (count <= maxTopicsPerClient) return;
    throw new StatusError(
      Code.BAD_REQUEST,
      `${field} has ${count} entries, the limit is ${maxTopicsPerClient}`,
    );
  }
}

/** What settings say goes before headers: some clients name another language there. */
function aboutClient(call: Call, context: RequestContext, sent: Settings__Output): ClientAbout {
  const { user_agent: agent, client_properties: properties } = sent;
  return {
    language: agent?.language || headerOf(call, 'x-mq-language').toUpperCase(),
    version: agent?.version || context.clientVersion,
    host: agent?.hostname ?? '',
    address: context.peer.ip,
    properties: { ...properties },
  };
}
