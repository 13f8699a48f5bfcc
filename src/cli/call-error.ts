import { status as GrpcStatus, type ServiceError } from '@grpc/grpc-js';

import type { Endpoint } from './endpoint';

/** A call that was not answered, in one line. */
export function callError(error: ServiceError, { address }: Endpoint): Error {
  const name = GrpcStatus[error.code];
  if (error.code === GrpcStatus.UNAVAILABLE) {
    // grpc-js wraps what the system said into how it tried.
    const reason = error.details
      .replace(/^No connection established\. Last error: (Error: )?/, '')
      .replace(/\.? Resolution note:.*$/s, '');
    return new Error(`${name}: nothing answers at ${address}: ${reason}`, { cause: error });
  }
  return new Error(`${name}: ${address}: ${error.details}`, { cause: error });
}
