import type { BrokerApi } from './broker-api';

/**
 * The broker of this process while it leads its group, `undefined` while it does not; another object each time that it
 * has come to lead again. Asked before each call and before each batch of answers, so it must be cheap and true on
 * the monotonic clock.
 */
export type LeadingBroker = () => BrokerApi | undefined;
