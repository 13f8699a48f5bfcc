import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const USE = ['extendedKeyUsage=serverAuth,clientAuth', 'subjectAltName=IP:127.0.0.1'];

/** PEM files of one that signs itself, for servers and clients on loopback, in a folder of its own. */
export class Certificate {
  private readonly folder = mkdtempSync(join(tmpdir(), 'gantry-etcd-tls-'));
  readonly certificate = join(this.folder, 'certificate.pem');
  readonly key = join(this.folder, 'key.pem');

  constructor() {
    const what = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
    const whose = ['-subj', '/CN=gantry', ...USE.flatMap((text) => ['-addext', text])];
    const to = ['-keyout', this.key, '-out', this.certificate];
    execFileSync('openssl', [...what, ...whose, ...to], { stdio: 'ignore' });
  }

  /** What an etcd serves TLS with, to those who show this certificate. */
  get files(): { readonly ca: string; readonly certificate: string; readonly key: string } {
    const { certificate, key } = this;
    return { ca: certificate, certificate, key };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
