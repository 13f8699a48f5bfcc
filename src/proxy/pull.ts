/** PullMessage: a read of one queue from an offset on, with a long poll; its answer a stream. Hot path. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { PullResult } from '../api/offset-api';
import { checkGroupName } from '../message/names';
import { Code } from '../message/status';
import { toMs } from '../message/time';
import type { Delivery } from '../message/wire/delivered-message';
import type { PullMessageRequest__Output } from '../rpc/generated/apache/rocketmq/v2/PullMessageRequest';
import {
  type ByteBudget,
  CallGate,
  failure,
  OK_STATUS,
  type PublicStatus,
  statusOf,
} from './calls';
import type { NextOffset, PullMessageItem } from './codec/pull-codec';
import { encodeDeliveries } from './codec/receive-codec';
import { DeliveryStream } from './delivery-stream';
import type { MessagingServiceHandlers } from './messaging-handlers';
import type { ProxyParts } from './parts';
import { type NamedQueue, namedQueue } from './queue-request';
import { filterOf } from './receive-request';
import { pollMaster } from './poll-master';
import { type RequestContext, requestContext } from './request-context';

type PullCall = ServerWritableStream<PullMessageRequest__Output, PullMessageItem>;
type PullStream = DeliveryStream<NextOffset>;

const NO_MESSAGE: PublicStatus = { code: Code.MESSAGE_NOT_FOUND, message: 'no new message' };

export class PullFamily {
  private readonly gate: CallGate;
  private draining = false;

  /** @param delivering bytes of messages on their way to clients */
  constructor(
    private readonly parts: ProxyParts,
    private readonly delivering: ByteBudget,
  ) {
    this.gate = new CallGate('PullMessage', parts.settings.maxReceives);
  }

  handlers(): Pick<MessagingServiceHandlers, 'PullMessage'> {
    // The answer's items have a codec of their own.
    return { PullMessage: (call) => this.receive(call as unknown as PullCall) };
  }

  /** New pulls do not wait; resolves when none is under way. Those that wait end with the proxy's polls. */
  drain(): Promise<void> {
    this.draining = true;
    return this.gate.whenIdle();
  }

  private receive(call: PullCall): void {
    const { platform, settings, log } = this.parts;
    const stream: PullStream = new DeliveryStream(call, platform.timers, settings.writeStallMs);
    let context: RequestContext;
    try {
      context = requestContext(call, platform.clock.wallMs());
      this.gate.enter();
    } catch (error) {
      stream.refuse(statusOf(error));
      return;
    }
    this.serve(call.request, context, stream)
      .catch((error: unknown) => stream.refuse(failure(error, log, 'PullMessage')))
      .finally(() => this.gate.leave());
  }

  private async serve(
    request: PullMessageRequest__Output,
    context: RequestContext,
    stream: PullStream,
  ): Promise<void> {
    const group = request.group?.name ?? '';
    checkGroupName(group);
    const filter = filterOf(request.filter_expression, this.parts.filters);
    const queue = namedQueue(this.parts, request.message_queue);
    const { topic, queueId } = queue;
    const { maxReceiveBatch } = this.parts.settings;
    this.delivering.check(1);
    const { offset, batch_size: batchSize } = request;
    const { clientId } = context;
    const pulled = {
      ...{ group, topic, queueId, clientId, offset, filter },
      maxMessages: Math.min(Math.max(batchSize, 1), maxReceiveBatch),
    };
    const poll = {
      ...{ brokerName: queue.brokerName, clientId },
      pollMs: this.pollMs(request, context),
      endMs: this.parts.failover.endOf(context),
    };
    const result = await pollMaster(this.parts, poll, stream, ({ offsets }, pollMs, signal) =>
      offsets.pull({ ...pulled, pollMs }, signal),
    );
    await this.answer(result ?? { records: [], nextOffset: offset, illegal: '' }, queue, stream);
  }

  /** What the client says, within what its deadline and the settings leave; without a word it does not wait. */
  private pollMs(request: PullMessageRequest__Output, { remainingMs }: RequestContext): number {
    if (this.draining) return 0;
    const { maxPollMs, pollMarginMs } = this.parts.settings;
    const leftMs = remainingMs === undefined ? maxPollMs : remainingMs - pollMarginMs;
    return Math.max(0, Math.min(toMs(request.long_polling_timeout), maxPollMs, leftMs));
  }

  private async answer(result: PullResult, queue: NamedQueue, stream: PullStream): Promise<void> {
    const { records, nextOffset, illegal } = result;
    const last: NextOffset = { next_offset: nextOffset };
    if (illegal !== '') {
      stream.end({ code: Code.ILLEGAL_OFFSET, message: illegal }, last);
      return;
    }
    const bytes = records.reduce((sum, record) => sum + record.length, 0);
    this.delivering.add(bytes);
    try {
      const items = encodeDeliveries(records.map(delivery), queue.asked, (_message, err) => {
        const { topic, queueId, brokerName } = queue;
        this.parts.log.error({ err, brokerName, topic, queueId }, 'record not readable');
      });
      if (items.length === 0) stream.end(NO_MESSAGE, last);
      else this.parts.traffic.out.add(await stream.deliver(OK_STATUS, items, () => last));
    } finally {
      this.delivering.give(bytes);
    }
  }
}

/** A pulled message has no handle: its client keeps its own progress. */
function delivery(record: Buffer): Delivery {
  return { record, receiptHandle: '', attempt: 1, invisibleMs: 0 };
}
