/** Certificates that somebody else has signed, for servers and clients on loopback. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { TlsIdentity } from '../../src/platform/platform';
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
} from '../../src/rpc/tls/der';

const DAY_MS = 86_400_000;

const Id = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** Context-specific tags of names and addresses. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

const id = objectIdentifier;
const tagged = (number: number, bytes: Uint8Array): Buffer => element(0xa0 + number, bytes);
const nameOf = (common: string): Buffer =>
  sequence(set(sequence(id(Id.commonName), utf8String(common))));

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
      extension(Id.basicConstraints, sequence(boolean(true))),
    ]);
  }

  /** A certificate for both sides of TLS on loopback, its key, and this authority to trust. */
  issue(name: string, { fromMs = Date.now() - DAY_MS }: Issue = {}): Required<TlsIdentity> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const loopback = [
      element(DNS_NAME, Buffer.from('localhost')),
      element(IP_ADDRESS, Buffer.of(127, 0, 0, 1)),
    ];
    const certificate = this.signed(name, publicKey, fromMs, [
      extension(Id.extendedKeyUsage, sequence(id(Id.serverAuth), id(Id.clientAuth))),
      extension(Id.subjectAltName, sequence(...loopback)),
    ]);
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { certificate, key, ca: this.certificate };
  }

  private signed(
    subject: string,
    key: KeyObject,
    fromMs: number,
    extensions: readonly Buffer[],
  ): string {
    const algorithm = sequence(id(Id.ecdsaWithSha256));
    const tbs = sequence(
      tagged(0, integer(Buffer.of(2))),
      integer(Buffer.of(++this.issued)),
      algorithm,
      nameOf(this.name),
      sequence(time(fromMs), time(fromMs + 2 * DAY_MS)),
      nameOf(subject),
      key.export({ type: 'spki', format: 'der' }),
      tagged(3, sequence(...extensions)),
    );
    const signature = sign('sha256', tbs, this.keys.privateKey);
    const base64 = sequence(tbs, algorithm, bitString(signature)).toString('base64');
    return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  }
}

function extension(of: string, value: Uint8Array): Buffer {
  return sequence(id(of), octetString(value));
}
