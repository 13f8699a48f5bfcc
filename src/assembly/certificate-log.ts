/** What is told of certificates in files: that they were renewed, and why they cannot be used. */
import type { Logger } from 'pino';
import { ConfigError } from '../config/config-error';
import type { ReloadFailed } from '../rpc/tls/certificate-files';
import { CertificateError, type TlsParts } from '../rpc/tls/tls-parts';

/** @param paths the files */
export function reloadLog(
  logger: Logger,
  paths: TlsParts,
): { readonly renewed: () => void; readonly failed: ReloadFailed } {
  const log = logger.child({ part: 'tls' });
  return {
    renewed: () => log.info({ ...paths }, 'certificate renewed'),
    failed: (error) =>
      log.error({ err: error }, 'renewed certificate not usable, the one before stays'),
  };
}

/** The same error, as one of the option that names the file. */
export function configErrorOf(error: unknown, optionOf: (part: keyof TlsParts) => string): unknown {
  if (!(error instanceof CertificateError)) return error;
  return new ConfigError([`${optionOf(error.part)} ${error.message}`]);
}
