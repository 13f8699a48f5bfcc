/** Errors that say that no master has answered, whatever it would say. */
import { BrokerLostError } from '../api/broker-lost';
import { BrokerUnreachableError } from '../api/broker-unreachable';
import { NotMasterError } from '../api/not-master';

/** Nothing was done: the call may be made again, also to another broker. */
export function wasNotDone(error: unknown): boolean {
  return error instanceof BrokerUnreachableError || error instanceof NotMasterError;
}

/** The call may be made again where it may be made twice: to the same broker name only. */
export function isAway(error: unknown): boolean {
  return wasNotDone(error) || error instanceof BrokerLostError;
}
