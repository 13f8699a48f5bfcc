/** The admin service of a proxy, as commands use it. */
import type { ServiceError } from '@grpc/grpc-js';

import type { AdminApi } from '../api/admin-api';
import { adminClient } from '../link/admin-client';
import { Code, StatusError } from '../message/status';
import { callError } from './call-error';
import type { Endpoint } from './endpoint';

const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/**
 * Calls `use` with the admin service at `endpoint`, and closes the connection.
 * @throws StatusError with what the proxy says, Error when nothing answers
 */
export async function withAdmin<T>(
  endpoint: Endpoint,
  use: (admin: AdminApi) => Promise<T>,
): Promise<T> {
  const client = adminClient(endpoint.address, clock, endpoint.tls);
  try {
    return await use(client);
  } catch (error) {
    throw notAnswered(error) ? callError(error.cause, endpoint) : error;
  } finally {
    client.close();
  }
}

/** Whether the call came to no proxy: what a proxy says has its own code beside gRPC's. */
function notAnswered(error: unknown): error is StatusError & { readonly cause: ServiceError } {
  if (!(error instanceof StatusError) || error.code !== Code.PROXY_TIMEOUT) return false;
  const { cause } = error;
  return cause instanceof Error && 'metadata' in cause && !hasPublicCode(cause as ServiceError);
}

function hasPublicCode({ metadata }: ServiceError): boolean {
  return metadata.get('gantry-code').length > 0;
}
