import { Code, StatusError } from '../message/status';

/**
 * What every call to a broker that does not lead its group is answered with. Nothing was executed: the same call to
 * the master is no repetition. Proxies wait for a master and ask that; a client sees it only when there is none in time.
 */
export class NotMasterError extends StatusError {
  constructor(text: string, options?: ErrorOptions) {
    super(Code.HA_NOT_AVAILABLE, text, options);
    this.name = 'NotMasterError';
  }
}
