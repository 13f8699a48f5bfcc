/** AckMessage, ChangeInvisibleDuration and ForwardMessageToDeadLetterQueue: what names a receipt handle. */
import type { EntryStatus, HandleRef } from '../api/broker-api';
import { splitReceiptHandle } from '../api/receipt-handle';
import { checkGroupName, checkTopicName } from '../message/names';
import type { ResourceName } from '../message/public-message';
import { Code, StatusError } from '../message/status';
import { toMs } from '../message/time';
import type { ForwardMessageToDeadLetterQueueRequest__Output } from '../rpc/generated/apache/rocketmq/v2/ForwardMessageToDeadLetterQueueRequest';
import type { MessagingServiceHandlers } from './messaging-handlers';
import { type CallGate, commonStatus, OK_STATUS, statusOf, unary } from './calls';
import type {
  AckMessageAnswer,
  AckMessageCall,
  ChangeInvisibleDurationAnswer,
  ChangeInvisibleDurationCall,
} from './codec/ack-codec';
import type { ProxyParts } from './parts';
import { checkInvisible } from './receive-request';
import type { RequestContext } from './request-context';

type Handlers = Pick<
  MessagingServiceHandlers,
  'AckMessage' | 'ChangeInvisibleDuration' | 'ForwardMessageToDeadLetterQueue'
>;

interface GroupAndTopic {
  readonly group: string;
  readonly topic: string;
}

/** Entries of one broker, with their places in the request. */
interface BrokerEntries {
  readonly brokerName: string;
  readonly places: number[];
  readonly entries: HandleRef[];
}

export function ackHandlers(parts: ProxyParts, gate: CallGate): Handlers {
  const family = new AckFamily(parts);
  return {
    AckMessage: unary(parts, gate, (request, context) => family.ack(request, context)),
    ChangeInvisibleDuration: unary(parts, gate, (request, context) =>
      family.changeInvisible(request, context),
    ),
    ForwardMessageToDeadLetterQueue: unary(parts, gate, (request, context) =>
      family.forward(request, context),
    ),
  };
}

class AckFamily {
  constructor(private readonly parts: ProxyParts) {}

  async ack(request: AckMessageCall, context: RequestContext): Promise<AckMessageAnswer> {
    const names = namesOf(request);
    const { entries } = request;
    this.checkCount(entries.length);
    const statuses: EntryStatus[] = [];
    const calls = [...this.byBroker(entries, statuses).values()].map(async (part) => {
      const answers = await this.ackOn(part, names, this.parts.failover.endOf(context));
      part.places.forEach((place, i) => (statuses[place] = answers[i] ?? lost(part.entries[i])));
    });
    await Promise.all(calls);
    return {
      status: commonStatus(statuses),
      entries: entries.map(({ message_id, receipt_handle }, i) => ({
        message_id,
        receipt_handle,
        status: statuses[i] ?? OK_STATUS,
      })),
    };
  }

  async changeInvisible(
    request: ChangeInvisibleDurationCall,
    context: RequestContext,
  ): Promise<ChangeInvisibleDurationAnswer> {
    const { group, topic } = namesOf(request);
    const invisibleMs = toMs(request.invisible_duration);
    checkInvisible(invisibleMs, 0, this.parts.settings.maxInvisibleMs);
    // Written out: to spread and then add costs more than the rest of the call.
    const change = {
      group,
      topic,
      receiptHandle: request.receipt_handle,
      messageId: request.message_id,
      invisibleMs,
      suspend: request.suspend ?? false,
    };
    const { failover } = this.parts;
    const receiptHandle = await failover.call(
      this.brokerOf(request.receipt_handle),
      failover.endOf(context),
      (broker) => broker.changeInvisible(change),
    );
    return { status: OK_STATUS, receipt_handle: receiptHandle };
  }

  async forward(
    request: ForwardMessageToDeadLetterQueueRequest__Output,
    context: RequestContext,
  ): Promise<{ status: EntryStatus }> {
    const names = namesOf(request);
    const { receipt_handle: receiptHandle, message_id: messageId } = request;
    const { failover } = this.parts;
    await failover.call(this.brokerOf(receiptHandle), failover.endOf(context), (broker) =>
      broker.forwardToDeadLetterQueue({ ...names, receiptHandle, messageId }),
    );
    return { status: OK_STATUS };
  }

  private checkCount(count: number): void {
    const { maxAckEntries } = this.parts.settings;
    if (count === 0) throw new StatusError(Code.BAD_REQUEST, 'entries is empty: nothing to ack');
    if (count > maxAckEntries) {
      throw new StatusError(
        Code.BAD_REQUEST,
        `entries has ${count} elements, the limit is ${maxAckEntries}`,
      );
    }
  }

  /** Sorts entries by their handles' brokers; those with a handle of no use get their status here. */
  private byBroker(
    entries: AckMessageCall['entries'],
    statuses: EntryStatus[],
  ): ReadonlyMap<string, BrokerEntries> {
    const parts = new Map<string, BrokerEntries>();
    entries.forEach(({ receipt_handle: receiptHandle, message_id: messageId }, place) => {
      try {
        const brokerName = this.brokerOf(receiptHandle);
        let part = parts.get(brokerName);
        if (part === undefined) {
          part = { brokerName, places: [], entries: [] };
          parts.set(brokerName, part);
        }
        part.places.push(place);
        part.entries.push({ receiptHandle, messageId });
      } catch (error) {
        statuses[place] = statusOf(error);
      }
    });
    return parts;
  }

  private async ackOn(
    { brokerName, entries }: BrokerEntries,
    { group, topic }: GroupAndTopic,
    endMs: number,
  ): Promise<readonly EntryStatus[]> {
    try {
      return await this.parts.failover.call(brokerName, endMs, (broker) =>
        broker.ack({ group, topic, entries }),
      );
    } catch (error) {
      return entries.map(() => statusOf(error));
    }
  }

  /**
   * The name of the broker that has given a handle out.
   * @throws StatusError INVALID_RECEIPT_HANDLE: malformed, or of a broker that nobody knows; PROXY_TIMEOUT while
   *   no broker at all is known
   */
  private brokerOf(receiptHandle: string): string {
    const { brokerName } = splitReceiptHandle(receiptHandle);
    if (this.parts.failover.knows(brokerName)) return brokerName;
    if (this.parts.routes.masters.length === 0) {
      throw new StatusError(Code.PROXY_TIMEOUT, `broker ${brokerName} is not known at present`);
    }
    throw new StatusError(Code.INVALID_RECEIPT_HANDLE, `cannot find broker ${brokerName}`);
  }
}

/** @throws StatusError ILLEGAL_TOPIC, ILLEGAL_CONSUMER_GROUP */
function namesOf(request: {
  readonly topic: ResourceName | null;
  readonly group: ResourceName | null;
}): GroupAndTopic {
  const topic = request.topic?.name ?? '';
  const group = request.group?.name ?? '';
  checkTopicName(topic);
  checkGroupName(group);
  return { group, topic };
}

function lost(entry: HandleRef | undefined): EntryStatus {
  return {
    code: Code.INTERNAL_SERVER_ERROR,
    message: `the broker gave no status for message ${entry?.messageId ?? ''}`,
  };
}
