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

/**
 * Makes a change on some brokers together.
 * @param what it is a change of, for the error
 * @param absent a code that only counts when every broker answers it, since what is to be deleted may be on some only
 * @throws StatusError what a broker refuses with; of several with the names of those that do
 */
export async function tellAll(
  brokers: readonly PooledBroker[],
  what: string,
  change: (broker: BrokerApi) => Promise<void>,
  absent?: Code,
): Promise<void> {
  const outcomes = await Promise.allSettled(brokers.map(({ broker }) => change(broker)));
  const failures = outcomes.flatMap((outcome, i) =>
    outcome.status === 'fulfilled'
      ? []
      : [{ brokerName: brokers[i]?.brokerName ?? '', error: toStatusError(outcome.reason) }],
  );
  const nowhere = failures.length === brokers.length;
  const failed = failures.filter(({ error }) => nowhere || error.code !== absent);
  const [first] = failed;
  if (first === undefined) return;
  if (brokers.length === 1) throw first.error;
  const list = failed.map(({ brokerName, error }) => `${brokerName}: ${error.message}`);
  throw new StatusError(
    first.error.code,
    `${what} failed on ${failed.length} of ${brokers.length} brokers: ${list.join('; ')}`,
    { cause: first.error },
  );
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
