/** Flags and variables that name the certificates by which a command talks to a proxy. */
import { Option as Flag, type Command } from 'commander';

import type { TlsParts } from '../rpc/tls/tls-parts';
import { givenBy } from './given';
import type { NamedFile } from './read-tls-parts';
import type * as ReadTlsParts from './read-tls-parts';
import type { Terminal } from './terminal';
import { UsageError } from './usage-error';

/** Files, PEM. */
const FILES = [
  { part: 'ca', doc: 'asks by TLS, and trusts these certificates' },
  { part: 'certificate', doc: 'the certificate to show, where the proxy wants one' },
  { part: 'key', doc: 'its private key' },
] as const;

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

const flagOf = (part: keyof TlsParts): string => `--endpoint-${part}`;
const variableOf = (part: keyof TlsParts): string => `GANTRY_ENDPOINT_${part.toUpperCase()}`;

export function addEndpointTls(command: Command): void {
  for (const { part, doc } of FILES) {
    command.addOption(new Flag(`${flagOf(part)} <FILE>`, `${doc} (env: ${variableOf(part)})`));
  }
}

/**
 * @returns `undefined`: no file is named
 * @throws UsageError when one cannot be used
 */
export function endpointTls(command: Command, terminal: Terminal): TlsParts | undefined {
  const files = FILES.flatMap(({ part }): readonly NamedFile[] => {
    const { by, text } = givenBy(command, terminal, flagOf(part), variableOf(part));
    return text === undefined ? [] : [{ part, by, path: text }];
  });
  if (files.length === 0) return undefined;
  const has = (part: keyof TlsParts): boolean => files.some((file) => file.part === part);
  if (has('certificate') !== has('key')) {
    const pair = `${flagOf('certificate')} and ${flagOf('key')}`;
    throw new UsageError(`${pair} are given together or not at all`);
  }
  const { readTlsParts } = require('./read-tls-parts') as typeof ReadTlsParts;
  return readTlsParts(files);
}
