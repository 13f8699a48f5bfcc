/** Questions to all masters at once. */
import type { BrokerApi } from '../api/broker-api';
import { Code, StatusError, toStatusError } from '../message/status';
import type { BrokerPool, PooledBroker } from './broker-pool';

/** @throws StatusError PROXY_TIMEOUT when there is none */
export function mastersOf(pool: BrokerPool): readonly PooledBroker[] {
  const masters = pool.masters();
  if (masters.length > 0) return masters;
  throw new StatusError(Code.PROXY_TIMEOUT, 'no broker is known');
}

/** Every master's answer; all must answer, else the list would lie. */
export function askMasters<T>(
  pool: BrokerPool,
  question: (broker: BrokerApi) => Promise<T>,
): Promise<(readonly [string, T])[]> {
  return Promise.all(
    mastersOf(pool).map(
      async ({ brokerName, broker }) => [brokerName, await question(broker)] as const,
    ),
  );
}

/**
 * The answers of the masters that have what is asked for.
 * @param absent what those say that do not have it; thrown when all say so
 */
export async function askHolders<T>(
  pool: BrokerPool,
  absent: Code,
  question: (broker: BrokerApi) => Promise<T>,
): Promise<readonly T[]> {
  const refusals: unknown[] = [];
  const answers = await askMasters(pool, (broker) =>
    question(broker).then(
      (answer) => [answer],
      (error: unknown) => {
        if (!(error instanceof StatusError) || error.code !== absent) throw error;
        refusals.push(error);
        return [];
      },
    ),
  );
  if (refusals.length === answers.length) throw toStatusError(refusals[0]);
  return answers.flatMap(([, answer]) => answer);
}
