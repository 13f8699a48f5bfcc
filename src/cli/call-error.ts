import { status as GrpcStatus, type ServiceError } from '@grpc/grpc-js';

/** A call that was not answered, in one line. */
export function callError(error: ServiceError, endpoint: string): Error {
  const name = GrpcStatus[error.code];
  if (error.code === GrpcStatus.UNAVAILABLE) {
    // grpc-js wraps what the system said into how it tried.
    const reason = error.details
      .replace(/^No connection established\. Last error: (Error: )?/, '')
      .replace(/\.? Resolution note:.*$/s, '');
    return new Error(`${name}: nothing answers at ${endpoint}: ${reason}`, { cause: error });
  }
  return new Error(`${name}: ${endpoint}: ${error.details}`, { cause: error });
}
