import type { BrokerRegistration } from '../../src/api/route-api';

/** A broker's registration with what a test does not care about filled in. */
export function registration(fields: Partial<BrokerRegistration> = {}): BrokerRegistration {
  return {
    cluster: 'c1',
    brokerName: 'a',
    brokerId: 0,
    address: '127.0.0.1:10911',
    epoch: 1,
    version: 1,
    topics: [],
    ...fields,
  };
}

/** A NORMAL topic of 8 queues for each name. */
export function topics(...names: string[]): BrokerRegistration['topics'] {
  return names.map((name) => ({ name, type: 'NORMAL', queues: 8 }));
}
