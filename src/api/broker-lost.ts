import { Code, StatusError } from '../message/status';

/**
 * The way to a broker was lost while it had a call: nobody knows whether it did what was asked. What may be
 * done twice can be asked again, of the broker itself or of the master that follows it.
 */
export class BrokerLostError extends StatusError {
  constructor(text: string, options?: ErrorOptions) {
    super(Code.PROXY_TIMEOUT, text, options);
    this.name = 'BrokerLostError';
  }
}
