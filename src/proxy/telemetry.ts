/** Telemetry: clients say what they are and learn how to behave; commands to them go out here. */
import { Metadata, status as GrpcStatus, type ServerDuplexStream } from '@grpc/grpc-js';
import { checkGroupName, checkTopicName } from '../message/names';
import { Code, StatusError } from '../message/status';
import { toMs } from '../message/time';
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
import type { ClientSettings } from './client-registry';
import { checkSettingsType } from './client-types';
import type { ProxyParts } from './parts';
import { DEFAULT_REQUEST_TIMEOUT_MS, filterOf } from './receive-request';
import { requestContext } from './request-context';
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
    let clientId: string;
    try {
      ({ clientId } = requestContext(call, this.parts.platform.clock.wallMs()));
      this.checkRoom();
    } catch (error) {
      call.write({ status: statusOf(error) });
      call.end();
      return;
    }
    this.streams.add(call);
    const ended = (): void => {
      this.streams.delete(call);
      this.parts.clients.streamEnded(clientId, call);
      this.parts.commands.ended(clientId, call);
      this.parts.checks.producers.ended(clientId, call);
    };
    call.on('data', (command: TelemetryCommand__Output) => {
      // One command at a time: a client that sends faster than it is answered waits.
      call.pause();
      void this.handle(call, clientId, command).then(() => call.resume());
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
    clientId: string,
    command: TelemetryCommand__Output,
  ): Promise<void> {
    if (!command.settings) return this.parts.commands.answered(call, command);
    try {
      const settings = await this.merge(call, clientId, command.settings);
      if (!this.streams.has(call)) return;
      call.write({ status: OK_STATUS, settings });
      this.parts.commands.attached(clientId, call);
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

  private async merge(call: Call, clientId: string, sent: Settings__Output): Promise<Settings> {
    checkClientProperties(sent.client_properties);
    checkSettingsType(sent);
    if (sent.publishing) return this.producer(call, clientId, sent, sent.publishing);
    if (sent.subscription) return this.consumer(call, clientId, sent, sent.subscription);
    throw new StatusError(
      Code.BAD_REQUEST,
      'there is no publishing or subscription data in settings',
    );
  }

  private producer(
    call: Call,
    clientId: string,
    sent: Settings__Output,
    publishing: Publishing__Output,
  ): Settings {
    this.checkCount('publishing.topics', publishing.topics.length);
    const published = publishing.topics.map(({ name }) => name);
    for (const topic of published) checkTopicName(topic);
    this.keep(call, clientId, sent, ClientType.PRODUCER, {
      group: '',
      subscriptions: [],
      published,
    });
    if (this.streams.has(call)) this.parts.checks.producers.put(clientId, published, call);
    return producerAnswer(sent, publishing, this.parts.settings);
  }

  private async consumer(
    call: Call,
    clientId: string,
    sent: Settings__Output,
    subscription: Subscription__Output,
  ): Promise<Settings> {
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
      this.keep(call, clientId, sent, ClientType.PUSH_CONSUMER, kept);
    }
    return consumerAnswer(sent, subscription, config, this.parts.settings);
  }

  private keep(
    call: Call,
    clientId: string,
    sent: Settings__Output,
    defaultType: number,
    kept: Pick<ClientSettings, 'group' | 'subscriptions' | 'published'>,
  ): void {
    const clientType = sent.client_type || defaultType;
    const requestTimeoutMs = toMs(sent.request_timeout) || DEFAULT_REQUEST_TIMEOUT_MS;
    this.parts.clients.put(clientId, { clientType, requestTimeoutMs, ...kept }, call);
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
