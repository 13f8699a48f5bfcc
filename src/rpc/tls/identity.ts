/** Where a server's identity comes from: files that may be renewed, or a certificate made for development. */
import type { Platform, TlsIdentity } from '../../platform/platform';
import { CertificateFiles, type ReloadFailed } from './certificate-files';
import { developmentCertificate } from './development-certificate';

/** Who shows an identity to clients. Throws when it can't be used. */
export interface IdentityUser {
  setIdentity(identity: TlsIdentity): void;
}

export interface IdentityOptions {
  /** The paths of PEM files. Absent: a certificate for development is made, another one at each start. */
  readonly files?: TlsIdentity;
  /** Names and addresses that a certificate for development is for, beside this machine's own. */
  readonly hosts: readonly string[];
  /** Hears of each renewed pair that is in use from now on. */
  readonly renewed: () => void;
  /** Hears of renewed files that can't be read or used; the identity before stays in use. */
  readonly reloadFailed: ReloadFailed;
}

/**
 * Gives `user` its identity, and each renewed one until `stop`.
 * @throws CertificateError naming what is wrong with the files
 */
export async function provideIdentity(
  user: IdentityUser,
  { clock, random, files, timers }: Platform,
  { files: paths, hosts, renewed, reloadFailed }: IdentityOptions,
): Promise<{ stop(): void }> {
  if (paths === undefined) {
    user.setIdentity(developmentCertificate(hosts, clock, random));
    return { stop: () => undefined };
  }
  const certificates = new CertificateFiles(paths, files, timers);
  user.setIdentity(await certificates.read());
  certificates.watch((identity) => {
    user.setIdentity(identity);
    renewed();
  }, reloadFailed);
  return certificates;
}
