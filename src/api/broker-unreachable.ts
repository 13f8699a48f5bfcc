import { Code, StatusError } from '../message/status';

/**
 * A request that certainly never left for its broker: nothing was done, another broker may be tried.
 * Any other failure of a call leaves open whether the broker did it.
 */
export class BrokerUnreachableError extends StatusError {
  constructor(brokerName: string, options?: ErrorOptions) {
    super(Code.PROXY_TIMEOUT, `broker ${brokerName} is not reachable`, options);
    this.name = 'BrokerUnreachableError';
  }
}
