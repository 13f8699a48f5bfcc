/**
 * A certificate for development: self-signed, for a server that was given none, so that clients which start with
 * TLS and accept any certificate (Java, Go, C#, C++ by default) work against it.
 *
 *     Certificate  ::= SEQUENCE { tbs, algorithm, signature BIT STRING }             RFC 5280, 4.1
 *     tbs          ::= SEQUENCE { [0] version 2, serial, algorithm, issuer, validity, subject, key, [3] extensions }
 *     extension    ::= SEQUENCE { id, critical (when TRUE), OCTET STRING of its value }
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import type { Clock, Random, TlsIdentity } from '../../platform/platform';
import {
  bitString,
  boolean,
  element,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der';

const DAY_MS = 86_400_000;
/** The name under which it is issued, by itself to itself. */
const COMMON_NAME = 'Gantry development certificate';

const Id = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  subjectAltName: '2.5.29.17',
} as const;

/** Context-specific tags: primitive, and constructed. */
const tagged = (number: number, bytes: Uint8Array): Buffer => element(0x80 + number, bytes);
const wrapped = (number: number, bytes: Uint8Array): Buffer => element(0xa0 + number, bytes);

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
  const algorithm = sequence(objectIdentifier(Id.ecdsaWithSha256));
  const name = sequence(set(sequence(objectIdentifier(Id.commonName), utf8String(COMMON_NAME))));
  const serial = random.bytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40; // positive, and not shorter than it looks
  const tbs = sequence(
    wrapped(0, integer(Buffer.of(2))),
    integer(serial),
    algorithm,
    name,
    sequence(time(nowMs - DAY_MS), time(nowMs + 3650 * DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    wrapped(3, extensions(hosts)),
  );
  const signature = sign('sha256', tbs, privateKey);
  return {
    certificate: pem('CERTIFICATE', sequence(tbs, algorithm, bitString(signature))),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** A root of its own, so that a client can be told to trust it; it signs nothing else. */
function extensions(hosts: readonly string[]): Buffer {
  const digitalSignatureAndCertSign = bitString(Buffer.of(0x84), 2);
  return sequence(
    extension(Id.basicConstraints, true, sequence(boolean(true), integer(Buffer.of(0)))),
    extension(Id.keyUsage, true, digitalSignatureAndCertSign),
    extension(Id.extendedKeyUsage, false, sequence(objectIdentifier(Id.serverAuth))),
    extension(Id.subjectAltName, false, alternativeNames(hosts)),
  );
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  const flag = critical ? [boolean(true)] : [];
  return sequence(objectIdentifier(id), ...flag, octetString(value));
}

function alternativeNames(hosts: readonly string[]): Buffer {
  const all = new Set(['localhost', '127.0.0.1', '::1', ...hosts]);
  return sequence(
    ...[...all].map((host) =>
      isAddress(host) ? tagged(7, addressBytes(host)) : tagged(2, Buffer.from(host)),
    ),
  );
}

const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;

function isAddress(host: string): boolean {
  return IPV4.test(host) || host.includes(':');
}

/** The 4 or 16 bytes of an address. */
function addressBytes(address: string): Buffer {
  if (IPV4.test(address)) return Buffer.from(address.split('.').map(Number));
  const v4 = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (v4 !== null) {
    const [, front = '', ...parts] = v4;
    const tail = Buffer.from(parts.map(Number)).toString('hex');
    return addressBytes(`${front}${tail.slice(0, 4)}:${tail.slice(4)}`);
  }
  const [front = [], back = []] = address
    .replace(/%.*$/, '')
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = new Array<string>(8 - front.length - back.length).fill('0');
  const groups = [...front, ...zeros, ...back];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
