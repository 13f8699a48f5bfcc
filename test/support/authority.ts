/** Certificates that somebody else has signed, for servers and clients on loopback. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { TlsIdentity } from '../../src/platform/platform';
import { alternativeNames } from '../../src/rpc/tls/alternative-names';
import { boolean, objectIdentifier, sequence } from '../../src/rpc/tls/der';
import { extension, ExtensionId, signedCertificate } from '../../src/rpc/tls/signed-certificate';

const DAY_MS = 86_400_000;
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

export interface Issue {
  /** From when on it is valid, for two days; milliseconds of the wall clock. Default: yesterday. */
  readonly fromMs?: number;
}

export class Authority {
  private readonly keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  /** Its own certificate, PEM. */
  readonly certificate: string;
  private issued = 0;

  constructor(private readonly name = 'test authority') {
    this.certificate = this.signed(name, this.keys.publicKey, Date.now() - DAY_MS, [
      extension(ExtensionId.basicConstraints, false, sequence(boolean(true))),
    ]);
  }

  /** A certificate for both sides of TLS on loopback, its key, and this authority to trust. */
  issue(name: string, { fromMs = Date.now() - DAY_MS }: Issue = {}): Required<TlsIdentity> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const uses = [ExtensionId.serverAuth, CLIENT_AUTH].map((use) => objectIdentifier(use));
    const certificate = this.signed(name, publicKey, fromMs, [
      extension(ExtensionId.extendedKeyUsage, false, sequence(...uses)),
      extension(ExtensionId.subjectAltName, false, alternativeNames([])),
    ]);
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { certificate, key, ca: this.certificate };
  }

  private signed(
    subject: string,
    publicKey: KeyObject,
    fromMs: number,
    extensions: readonly Buffer[],
  ): string {
    const content = {
      ...{ serial: Buffer.of(++this.issued), issuer: this.name, subject, publicKey },
      ...{ fromMs, untilMs: fromMs + 2 * DAY_MS, extensions },
    };
    return signedCertificate(content, this.keys.privateKey);
  }
}
