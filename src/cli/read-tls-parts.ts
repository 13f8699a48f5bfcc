/** Certificates that the command line names, read and checked. */
import { readFileSync } from 'node:fs';

import { errorText } from '../platform/error-text';
import { CertificateError, checkParts, type TlsParts } from '../rpc/tls/tls-parts';
import { UsageError } from './usage-error';

/** A PEM file. */
export interface NamedFile {
  readonly part: keyof TlsParts;
  /** The flag or variable that names it. */
  readonly by: string;
  readonly path: string;
}

/** @throws UsageError naming the flag or variable whose file cannot be used */
export function readTlsParts(files: readonly NamedFile[]): TlsParts {
  const parts: TlsParts = Object.fromEntries(files.map((file) => [file.part, read(file)]));
  const paths: TlsParts = Object.fromEntries(files.map(({ part, path }) => [part, path]));
  try {
    checkParts(parts, paths);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    const by = files.find(({ part }) => part === error.part)?.by;
    throw new UsageError(`${by} ${error.message}`);
  }
  return parts;
}

function read({ by, path }: NamedFile): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${by} cannot be read: ${errorText(error)}`);
  }
}
