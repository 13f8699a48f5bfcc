/** Whether certificates and a key can be used, told before a connection needs them. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** What one side of TLS is made of: the contents of files, PEM, or the paths of those files. */
export interface TlsParts {
  /** The certificate that is shown, then its chain. */
  readonly certificate?: string;
  /** Its private key; given with it. */
  readonly key?: string;
  /** Whom to trust. */
  readonly ca?: string;
}

/** A file that cannot be used. `message` begins with its path. */
export class CertificateError extends Error {
  constructor(
    /** Which of the files. */
    readonly part: keyof TlsParts,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CertificateError';
  }
}

/** @throws CertificateError when any is no PEM, or certificate and key do not belong together */
export function checkParts({ certificate, key, ca }: TlsParts, paths: TlsParts): void {
  if (ca !== undefined) readAs('ca', paths, 'certificate', () => new X509Certificate(ca));
  if (certificate === undefined || key === undefined) return;
  const read = readAs('certificate', paths, 'certificate', () => new X509Certificate(certificate));
  const privateKey = readAs('key', paths, 'private key', () => createPrivateKey(key));
  if (!read.checkPrivateKey(privateKey)) {
    const text = `${paths.key}: is not the key of the certificate ${paths.certificate}`;
    throw new CertificateError('key', text);
  }
}

function readAs<T extends X509Certificate | KeyObject>(
  part: keyof TlsParts,
  paths: TlsParts,
  what: string,
  read: () => T,
): T {
  try {
    return read();
  } catch (cause) {
    throw new CertificateError(part, `${paths[part]}: holds no ${what} as PEM`, { cause });
  }
}
