/** Refusals of the admin service: a gRPC status with the public code beside it. */
import { Metadata, status as Status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import { Code, StatusError, toStatusError } from '../message/status';
import { codeFromWire } from './codec/status';

/** The trailer that carries the public code, a decimal number. */
export const CODE_TRAILER = 'gantry-code';

/** What anything thrown is answered with. */
export function refusalOf(thrown: unknown): StatusObject {
  const { code, message } = toStatusError(thrown);
  const metadata = new Metadata();
  metadata.set(CODE_TRAILER, String(code));
  return { code: grpcStatus(code), details: message, metadata };
}

/** The error of a call as it was thrown at the service; one that no service has answered is PROXY_TIMEOUT. */
export function adminRefusal(error: ServiceError): StatusError {
  const [code] = error.metadata.get(CODE_TRAILER);
  const known = code === undefined ? Code.PROXY_TIMEOUT : codeFromWire(Number(code));
  return new StatusError(known, error.details || error.message, { cause: error });
}

/** The nearest gRPC status, for clients that know no better. */
function grpcStatus(code: Code): Status {
  switch (code) {
    case Code.NOT_FOUND:
    case Code.TOPIC_NOT_FOUND:
    case Code.CONSUMER_GROUP_NOT_FOUND:
    case Code.MESSAGE_NOT_FOUND:
    case Code.OFFSET_NOT_FOUND:
      return Status.NOT_FOUND;
    case Code.UNAUTHORIZED:
      return Status.UNAUTHENTICATED;
    case Code.FORBIDDEN:
      return Status.PERMISSION_DENIED;
    case Code.TOO_MANY_REQUESTS:
      return Status.RESOURCE_EXHAUSTED;
    case Code.PROXY_TIMEOUT:
      return Status.UNAVAILABLE;
    case Code.NOT_IMPLEMENTED:
    case Code.UNSUPPORTED:
      return Status.UNIMPLEMENTED;
    default:
      return code < Code.INTERNAL_SERVER_ERROR ? Status.INVALID_ARGUMENT : Status.INTERNAL;
  }
}
