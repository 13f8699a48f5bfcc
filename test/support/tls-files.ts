import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodePlatform } from '../../src/platform/node-platform';
import type { TlsIdentity } from '../../src/platform/platform';
import { developmentCertificate } from '../../src/rpc/tls/development-certificate';

/** A self-signed certificate for loopback. */
export function makeIdentity(): TlsIdentity {
  const { clock, random } = nodePlatform();
  return developmentCertificate([], clock, random);
}

/** A certificate and its key in files of their own. */
export class TlsFiles {
  private readonly folder = mkdtempSync(join(tmpdir(), 'gantry-tls-'));
  readonly certificate = join(this.folder, 'certificate.pem');
  readonly key = join(this.folder, 'key.pem');

  constructor(identity: TlsIdentity = makeIdentity()) {
    this.write(identity);
  }

  write(identity: TlsIdentity): void {
    writeFileSync(this.certificate, identity.certificate);
    writeFileSync(this.key, identity.key);
  }

  /** As flags of `gantry`. */
  get flags(): readonly string[] {
    return ['--tls-certificate', this.certificate, '--tls-key', this.key];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
