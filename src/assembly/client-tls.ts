/** What our own clients show servers in TLS, and whom they trust: from files. */
import type { ClientTls } from '../rpc/client-credentials';
import { CertificateFiles } from '../rpc/tls/certificate-files';
import type { TlsParts } from '../rpc/tls/tls-parts';
import { configErrorOf, reloadLog } from './certificate-log';
import type { Shutdown, Surroundings } from './role';

export interface ClientTlsOptions {
  readonly enabled: boolean;
  /** Files, PEM; '' for none. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/**
 * @param group the options, as `etcd.tls`
 * @returns `undefined`: not enabled
 * @throws ConfigError naming the option and the file that cannot be used
 */
export async function readClientTls(
  group: string,
  options: ClientTlsOptions,
  surroundings: Surroundings,
): Promise<TlsParts | undefined> {
  if (!options.enabled) return undefined;
  return read(group, filesOf(options, surroundings));
}

/** As `readClientTls`, and renewed files are read until the shutdown. */
export async function provideClientTls(
  group: string,
  options: ClientTlsOptions,
  surroundings: Surroundings,
  shutdown: Shutdown,
): Promise<ClientTls | undefined> {
  if (!options.enabled) return undefined;
  const files = filesOf(options, surroundings);
  let parts = await read(group, files);
  const { renewed, failed } = reloadLog(surroundings.logger, pathsOf(options));
  files.watch((next) => {
    parts = next;
    renewed();
  }, failed);
  shutdown.add(group, () => files.stop());
  return () => parts;
}

function pathsOf({ ca, certificate, key }: ClientTlsOptions): TlsParts {
  return { ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }) };
}

function filesOf(
  options: ClientTlsOptions,
  { platform, settingsFiles = platform.files }: Surroundings,
): CertificateFiles<TlsParts> {
  return new CertificateFiles(pathsOf(options), settingsFiles, platform.timers);
}

async function read(group: string, files: CertificateFiles<TlsParts>): Promise<TlsParts> {
  try {
    return await files.read();
  } catch (error) {
    throw configErrorOf(error, (part) => `${group}.${part}`);
  }
}
