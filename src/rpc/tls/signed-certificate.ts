/**
 * Certificates, and what signs them:
 *
 *     Certificate  ::= SEQUENCE { tbs, algorithm, signature BIT STRING }             RFC 5280, 4.1
 *     tbs          ::= SEQUENCE { [0] version 2, serial, algorithm, issuer, validity, subject, key, [3] extensions }
 *     extension    ::= SEQUENCE { id, critical (when TRUE), OCTET STRING of its value }
 */
import { sign, type KeyObject } from 'node:crypto';
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

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';

/** Identifiers of extensions, and of uses of keys. */
export const ExtensionId = {
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

export interface CertificateContent {
  /** Positive, and not shorter than it looks. */
  readonly serial: Uint8Array;
  /** Common names. */
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  /** Of the wall clock, ms. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Made by `extension`. */
  readonly extensions: readonly Buffer[];
}

/**
 * A certificate, PEM.
 * @param key the issuer's private one, ECDSA
 */
export function signedCertificate(content: CertificateContent, key: KeyObject): string {
  const { serial, issuer, subject, publicKey, fromMs, untilMs, extensions } = content;
  const algorithm = sequence(objectIdentifier(ECDSA_WITH_SHA256));
  const tbs = sequence(
    wrapped(0, integer(Buffer.of(2))),
    integer(serial),
    algorithm,
    nameOf(issuer),
    sequence(time(fromMs), time(untilMs)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    wrapped(3, sequence(...extensions)),
  );
  return pem(sequence(tbs, algorithm, bitString(sign('sha256', tbs, key))));
}

export function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  const flag = critical ? [boolean(true)] : [];
  return sequence(objectIdentifier(id), ...flag, octetString(value));
}

function wrapped(number: number, bytes: Uint8Array): Buffer {
  return element(0xa0 + number, bytes);
}

function nameOf(common: string): Buffer {
  return sequence(set(sequence(objectIdentifier(COMMON_NAME), utf8String(common))));
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
