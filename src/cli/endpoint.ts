/** `--endpoint`: the proxy that a command talks to. */
import { Option as Flag, type Command } from 'commander';

import { parseAddress } from '../config/address';
import type { ClientTls } from '../rpc/client-credentials';
import { addEndpointTls, endpointTls } from './endpoint-tls';
import { givenBy } from './given';
import type { Terminal } from './terminal';
import { UsageError } from './usage-error';

export interface Endpoint {
  /** `HOST:PORT`, with `tls://` before it for TLS; see `makeClient`. */
  readonly address: string;
  /** Absent: TLS only where the address says so, with the roots of the system. */
  readonly tls?: ClientTls;
}

const VARIABLE = 'GANTRY_ENDPOINT';
const DEFAULT_ENDPOINT = '127.0.0.1:8081';

export function addEndpoint(command: Command): void {
  command.addOption(
    new Flag(
      '--endpoint <HOST:PORT>',
      `the proxy to ask; tls:// before it asks by TLS (env: ${VARIABLE}; default: ${DEFAULT_ENDPOINT})`,
    ),
  );
  addEndpointTls(command);
}

/** @throws UsageError when what was given is no HOST:PORT, or a certificate cannot be used */
export function endpointOf(command: Command, terminal: Terminal): Endpoint {
  const { by, text } = givenBy(command, terminal, '--endpoint', VARIABLE);
  const address = text ?? DEFAULT_ENDPOINT;
  if (parseAddress(address.replace(/^tls:\/\//, '')) === undefined) {
    throw new UsageError(`${by} must be HOST:PORT with a port from 1 to 65535, got ${address}`);
  }
  const tls = endpointTls(command, terminal);
  return tls === undefined ? { address } : { address, tls: () => tls };
}
