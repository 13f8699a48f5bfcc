/**
 * A certificate for development: self-signed, for a server that was given none, so that clients which start with
 * TLS and accept any certificate (Java, Go, C#, C++ by default) work against it.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { Clock, Random, TlsIdentity } from '../../platform/platform';
import { alternativeNames } from './alternative-names';
import { bitString, boolean, integer, objectIdentifier, sequence } from './der';
import { extension, ExtensionId, signedCertificate } from './signed-certificate';

const DAY_MS = 86_400_000;
/** The name under which it is issued, by itself to itself. */
const COMMON_NAME = 'Gantry development certificate';

/**
 * Makes a key (ECDSA, P-256) and its certificate, valid from a day ago for ten years.
 * @param hosts names and addresses that it is for, beside localhost and the loopback addresses
 */
export function developmentCertificate(
  hosts: readonly string[],
  clock: Clock,
  random: Random,
): TlsIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const nowMs = clock.wallMs();
  const serial = random.bytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, and not shorter than it looks
  const content = {
    ...{ serial, publicKey, issuer: COMMON_NAME, subject: COMMON_NAME },
    ...{ fromMs: nowMs - DAY_MS, untilMs: nowMs + 3650 * DAY_MS, extensions: extensions(hosts) },
  };
  return {
    certificate: signedCertificate(content, privateKey),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** A root of its own, so that a client can be told to trust it; it signs nothing else. */
function extensions(hosts: readonly string[]): readonly Buffer[] {
  const digitalSignatureAndCertSign = bitString(Buffer.of(0x84), 2);
  const { basicConstraints, keyUsage, extendedKeyUsage, subjectAltName, serverAuth } = ExtensionId;
  return [
    extension(basicConstraints, true, sequence(boolean(true), integer(Buffer.of(0)))),
    extension(keyUsage, true, digitalSignatureAndCertSign),
    extension(extendedKeyUsage, false, sequence(objectIdentifier(serverAuth))),
    extension(subjectAltName, false, alternativeNames(hosts)),
  ];
}
