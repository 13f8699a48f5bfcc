import { status as Status, type ServiceError } from '@grpc/grpc-js';

/** etcd or the way to it failed; the same call elsewhere may succeed. */
const AWAY: ReadonlySet<number> = new Set([
  Status.CANCELLED,
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.RESOURCE_EXHAUSTED,
  Status.ABORTED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
]);

/** Texts of etcd that ask for another token, beside the code UNAUTHENTICATED. */
const TOKEN_TEXTS = ['user name is empty', 'revision of auth store is old'];
const AUTH_DISABLED = 'authentication is not enabled';

export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number';
}

export function isAway(error: unknown): boolean {
  return !isServiceError(error) || AWAY.has(error.code);
}

/** Whether a call failed for its token: none was given, it has expired, or users have changed since. */
export function wantsToken(error: unknown): boolean {
  if (!isServiceError(error)) return false;
  return (
    error.code === Status.UNAUTHENTICATED ||
    TOKEN_TEXTS.some((text) => error.details.includes(text))
  );
}

export function isAuthDisabled(error: unknown): boolean {
  return isServiceError(error) && error.details.includes(AUTH_DISABLED);
}
