/** What our own clients check servers against in TLS, and show: from files. */
import { ConfigError } from '../config/config-error';
import type { Files } from '../platform/platform';
import type { ClientTls } from '../rpc/client';

/** Files, PEM; '' or absent for none. */
export type ClientTlsFiles = { readonly [Option in keyof ClientTls]?: string };

/**
 * @param group the options that name the files, as `etcd.tls`
 * @throws ConfigError naming the option whose file is not there
 */
export async function readClientTls(
  group: string,
  paths: ClientTlsFiles,
  files: Pick<Files, 'readFile'>,
): Promise<ClientTls> {
  const read = async (option: keyof ClientTls): Promise<ClientTls> => {
    const path = paths[option] ?? '';
    if (path === '') return {};
    const pem = await files.readFile(path);
    if (pem === undefined) throw new ConfigError([`${group}.${option}: ${path} is not there`]);
    return { [option]: pem.toString() };
  };
  return { ...(await read('ca')), ...(await read('certificate')), ...(await read('key')) };
}
