/** A gRPC port's identity in TLS: from files, or made for development. */
import { ConfigError } from '../config/config-error';
import { provideIdentity, type IdentityUser } from '../rpc/tls/identity';
import { configErrorOf, reloadLog } from './certificate-log';
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
  { certificate, key, clientCa, mode }: TlsOptions,
  { platform, logger, settingsFiles }: Surroundings,
  shutdown: Shutdown,
): Promise<void> {
  if ((certificate === '') !== (key === '')) {
    throw new ConfigError(['tls.certificate and tls.key are given together or not at all']);
  }
  const files = { certificate, key, ...(clientCa && { ca: clientCa }) };
  const { renewed, failed: reloadFailed } = reloadLog(logger, files);
  try {
    const identity = await provideIdentity(
      server,
      { ...platform, files: settingsFiles ?? platform.files },
      { ...(certificate && { files }), hosts: [host], renewed, reloadFailed },
    );
    shutdown.add('tls', () => identity.stop());
  } catch (error) {
    throw configErrorOf(error, (part) => (part === 'ca' ? 'tls.clientCa' : `tls.${part}`));
  }
  const log = logger.child({ part: 'tls' });
  if (certificate === '') {
    log.info(
      { mode },
      'certificate for development made; set tls.certificate and tls.key for one that clients can check',
    );
  } else {
    log.info({ mode, ...files }, 'certificate read');
  }
}
