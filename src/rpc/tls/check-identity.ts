/** Whether a certificate and a key can be shown to clients, told before a connection needs them. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { TlsIdentity } from '../../platform/platform';

export interface CertificatePaths {
  /** PEM, the server's certificate first, then its chain. */
  readonly certificate: string;
  /** PEM, the private key. */
  readonly key: string;
}

/** A file that cannot be used. `message` begins with its path. */
export class CertificateError extends Error {
  constructor(
    /** Which of the two files. */
    readonly part: keyof CertificatePaths,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CertificateError';
  }
}

/** @throws CertificateError when either is no PEM, or they do not belong together */
export function checkIdentity(
  { certificate, key }: TlsIdentity,
  paths: CertificatePaths,
): TlsIdentity {
  const read = readAs('certificate', paths, 'certificate', () => new X509Certificate(certificate));
  const privateKey = readAs('key', paths, 'private key', () => createPrivateKey(key));
  if (!read.checkPrivateKey(privateKey)) {
    const text = `${paths.key}: is not the key of the certificate ${paths.certificate}`;
    throw new CertificateError('key', text);
  }
  return { certificate, key };
}

function readAs<T extends X509Certificate | KeyObject>(
  part: keyof CertificatePaths,
  paths: CertificatePaths,
  what: string,
  read: () => T,
): T {
  try {
    return read();
  } catch (cause) {
    throw new CertificateError(part, `${paths[part]}: holds no ${what} as PEM`, { cause });
  }
}
