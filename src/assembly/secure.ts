/** A gRPC port's identity in TLS: from files, or made for development. */
import { ConfigError } from '../config/config-error';
import { CertificateError } from '../rpc/tls/check-identity';
import { provideIdentity, type IdentityUser } from '../rpc/tls/identity';
import type { Shutdown, Surroundings } from './role';
import type { TlsOptions } from './rpc-options';

/**
 * Gives a server its identity before it listens, and each renewed one until the shutdown.
 * @param host what is listened on
 * @throws ConfigError naming the setting and the file that cannot be used
 */
export async function secure(
  server: IdentityUser,
  host: string,
  { certificate, key, mode }: TlsOptions,
  { platform, logger, settingsFiles }: Surroundings,
  shutdown: Shutdown,
): Promise<void> {
  if ((certificate === '') !== (key === '')) {
    throw new ConfigError(['tls.certificate and tls.key are given together or not at all']);
  }
  const log = logger.child({ part: 'tls' });
  const files = certificate === '' ? {} : { files: { certificate, key } };
  try {
    const identity = await provideIdentity(
      server,
      { ...platform, files: settingsFiles ?? platform.files },
      {
        ...files,
        hosts: [host],
        renewed: () => log.info({ certificate, key }, 'certificate renewed'),
        reloadFailed: (error) =>
          log.error({ err: error }, 'renewed certificate not usable, the one before stays'),
      },
    );
    shutdown.add('tls', () => identity.stop());
  } catch (error) {
    throw error instanceof CertificateError
      ? new ConfigError([`tls.${error.part} ${error.message}`])
      : error;
  }
  if (certificate === '') {
    log.info(
      { mode },
      'certificate for development made; set tls.certificate and tls.key for one that clients can check',
    );
  } else {
    log.info({ mode, certificate, key }, 'certificate read');
  }
}
