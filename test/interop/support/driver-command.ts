/** How each official client's driver is started. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../support/process';

export const CLIENTS = ['node', 'python', 'java', 'rust'] as const;
export type ClientName = (typeof CLIENTS)[number];

/** The client connects by TLS. */
export interface DriverTls {
  /** A file with the certificate that it trusts; the Java client trusts any. */
  readonly certificate?: string;
}

/** See PROTOCOL.md; the second is gRPC's own. */
export function tlsVariables({ certificate }: DriverTls): NodeJS.ProcessEnv {
  const trusted =
    certificate === undefined ? {} : { GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: certificate };
  return { DRIVER_TLS: 'true', ...trusted };
}

export function commandOf(client: ClientName, home: string): string[] {
  const folder = join(ROOT, 'test', 'interop', client);
  switch (client) {
    case 'node':
      return [
        process.execPath,
        '-r',
        join(ROOT, 'scripts', 'ts-require.cjs'),
        join(folder, 'driver.ts'),
      ];
    case 'python':
      return [
        made(join(ROOT, '.cache', 'python', 'bin', 'python')),
        '-u',
        join(folder, 'driver.py'),
      ];
    case 'java':
      return [
        'java',
        '-Xmx256m',
        '-XX:TieredStopAtLevel=1',
        '-XX:+UseSerialGC',
        `-Duser.home=${home}`,
        `-Dclient.version=${javaClientVersion(folder)}`,
        '-cp',
        ['classes', join('lib', '*')].map((part) => join(ROOT, '.cache', 'java', part)).join(':'),
        'Driver',
      ];
    case 'rust':
      return [made(join(ROOT, '.cache', 'rust', 'debug', 'driver'))];
  }
}

function made(path: string): string {
  if (!existsSync(path)) throw new Error('run first: node scripts/interop-setup.mjs');
  return path;
}

function javaClientVersion(folder: string): string {
  made(join(ROOT, '.cache', 'java', 'classes'));
  const pom = readFileSync(join(folder, 'pom.xml'), 'utf8');
  const version = /<artifactId>rocketmq-client-java<\/artifactId>\s*<version>([^<]+)</.exec(
    pom,
  )?.[1];
  if (version === undefined) throw new Error('pom.xml names no version of rocketmq-client-java');
  return version;
}
