import type { BrokerApi } from '../api/broker-api';
import { isAway } from './away';
import type { ProxyParts } from './parts';

export interface MasterPoll {
  readonly brokerName: string;
  readonly clientId: string;
  /** How long it may wait for messages, ms. */
  readonly pollMs: number;
  /** Until when it may wait for a master, by the monotonic clock: also beyond the poll's end. */
  readonly endMs: number;
}

/**
 * Polls a broker until there is an answer, the client goes or the proxy drains. When the master changes meanwhile, it goes
 * on at the next one for what is left of the poll's time.
 * @param stream the client's
 * @param ask one try, at one master
 * @returns `undefined` when it was ended while no master was there
 */
export async function pollMaster<T>(
  { polls, health, failover, platform }: ProxyParts,
  { brokerName, clientId, pollMs, endMs }: MasterPoll,
  stream: { onGone(listener: () => void): void },
  ask: (broker: BrokerApi, pollMs: number, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const poll = new AbortController();
  const { signal } = poll;
  const pollEndMs = platform.clock.monotonicMs() + pollMs;
  polls.add(poll, clientId);
  stream.onGone(() => poll.abort());
  const tryOn = async (broker: BrokerApi): Promise<T> => {
    try {
      return await ask(broker, Math.max(0, pollEndMs - platform.clock.monotonicMs()), signal);
    } catch (error) {
      health.failed(brokerName, error);
      throw error;
    }
  };
  try {
    return await failover.call(brokerName, endMs, tryOn, signal);
  } catch (error) {
    if (signal.aborted && isAway(error)) return undefined;
    throw error;
  } finally {
    polls.delete(poll);
  }
}
