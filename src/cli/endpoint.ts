/** `--endpoint`: the proxy that a command talks to. */
import { Option as Flag, type Command } from 'commander';

import { parseAddress } from '../config/address';
import type { Terminal } from './terminal';
import { UsageError } from './usage-error';

const VARIABLE = 'GANTRY_ENDPOINT';
const DEFAULT_ENDPOINT = '127.0.0.1:8081';

export function addEndpoint(command: Command): void {
  command.addOption(
    new Flag(
      '--endpoint <HOST:PORT>',
      `the proxy to ask; tls:// before it asks by TLS (env: ${VARIABLE}; default: ${DEFAULT_ENDPOINT})`,
    ),
  );
}

/**
 * `HOST:PORT`, with `tls://` before it for TLS; see `makeClient`.
 * @throws UsageError when what was given is no HOST:PORT
 */
export function endpointOf(command: Command, terminal: Terminal): string {
  const flag = command.opts<{ readonly endpoint?: string }>().endpoint;
  const variable = terminal.env[VARIABLE];
  const given = flag ?? (variable === '' ? undefined : variable) ?? DEFAULT_ENDPOINT;
  if (parseAddress(given.replace(/^tls:\/\//, '')) !== undefined) return given;
  const name = flag === undefined ? VARIABLE : '--endpoint';
  throw new UsageError(`${name} must be HOST:PORT with a port from 1 to 65535, got ${given}`);
}
