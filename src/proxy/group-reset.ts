/** Moving a consumer group on all brokers that hold a topic. */
import type { BrokerApi } from '../api/broker-api';
import type { QueueReset, ResetRequest } from '../api/offset-api';
import { Code, StatusError, toStatusError } from '../message/status';
import type { PooledBroker } from './broker-pool';

/** What a broker says on which the group has not been yet. */
const ABSENT: ReadonlySet<Code> = new Set([Code.CONSUMER_GROUP_NOT_FOUND, Code.OFFSET_NOT_FOUND]);

/**
 * Asks all brokers before any of them moves the group. Those on which it has not begun are left out.
 * @param brokers at least one
 * @throws StatusError what a broker refuses with; BAD_REQUEST when an offset is to count on several
 */
export async function resetOn(
  brokers: readonly PooledBroker[],
  request: ResetRequest,
): Promise<readonly QueueReset[]> {
  if (request.to.at === 'offset' && brokers.length > 1) {
    const names = brokers.map(({ brokerName }) => brokerName).join(', ');
    throw new StatusError(
      Code.BAD_REQUEST,
      `an offset is of one broker's queue: say which, topic ${request.topic} is on ${names}`,
    );
  }
  const previews = await Promise.all(brokers.map(({ broker }) => preview(broker, request)));
  const begun = previews.flatMap((one) => (one instanceof StatusError ? [] : [one]));
  const [first] = previews;
  if (begun.length === 0 && first instanceof StatusError) throw first;
  if (request.dryRun) return begun.flatMap(({ resets }) => resets);
  return (await Promise.all(begun.map(({ broker }) => broker.offsets.reset(request)))).flat();
}

/** What it would do; the refusal of a broker on which the group has not begun. */
async function preview(
  broker: BrokerApi,
  request: ResetRequest,
): Promise<{ readonly broker: BrokerApi; readonly resets: readonly QueueReset[] } | StatusError> {
  try {
    return { broker, resets: await broker.offsets.reset({ ...request, dryRun: true }) };
  } catch (error) {
    const refusal = toStatusError(error);
    if (ABSENT.has(refusal.code)) return refusal;
    throw refusal;
  }
}
