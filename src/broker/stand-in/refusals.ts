/** What a replica that stands in for its master does not do. */
import type { BrokerApi } from '../../api/broker-api';
import type { InspectApi } from '../../api/inspect-api';
import type { OffsetApi } from '../../api/offset-api';
import type { TransactionApi } from '../../api/transaction-api';
import { Code, StatusError } from '../../message/status';

/** What is refused with whatever needs the master: nothing was done. */
export function servesReads(brokerName: string): StatusError {
  return new StatusError(
    Code.HA_NOT_AVAILABLE,
    `the master of broker ${brokerName} is away and this replica only serves reads: nothing was done`,
  );
}

type Refused = Pick<
  BrokerApi,
  | 'send'
  | 'recall'
  | 'listDelayed'
  | 'forwardToDeadLetterQueue'
  | 'syncLite'
  | 'groupProgress'
  | 'putTopic'
  | 'deleteTopic'
  | 'setDraining'
  | 'putGroup'
  | 'deleteGroup'
> & {
  readonly transactions: TransactionApi;
  readonly offsets: Pick<OffsetApi, 'reset'>;
  readonly inspect: Pick<InspectApi, 'forget' | 'holdings'>;
};

/** The calls that need the log, each refused. */
export function refusedCalls(brokerName: string): Refused {
  const refuse = (): Promise<never> => Promise.reject(servesReads(brokerName));
  return {
    ...{ send: refuse, recall: refuse, listDelayed: refuse, forwardToDeadLetterQueue: refuse },
    ...{ syncLite: refuse, groupProgress: refuse, putTopic: refuse, deleteTopic: refuse },
    ...{ setDraining: refuse, putGroup: refuse, deleteGroup: refuse },
    transactions: {
      ...{ prepare: refuse, endTransaction: refuse, takeChecks: refuse },
      ...{ reportChecks: refuse, listTransactions: refuse },
    },
    offsets: { reset: refuse },
    inspect: { forget: refuse, holdings: refuse },
  };
}
