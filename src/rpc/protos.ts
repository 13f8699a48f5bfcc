/** Service definitions and codecs from the files under `proto/`, each file loaded once in a process. */
import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type Options, type PackageDefinition } from '@grpc/proto-loader';

/** The package's root, seen from src/rpc as well as from dist/rpc. */
export const PROTO_ROOT = join(__dirname, '..', '..', 'proto');

const options: Options = {
  keepCase: true,
  longs: Number,
  defaults: true,
  oneofs: true,
  includeDirs: [PROTO_ROOT],
};

const packages = new Map<string, PackageDefinition>();

/** All that a file and its imports define. @param file below `proto/`, such as `gantry/v1/broker.proto` */
export function loadPackage(file: string): PackageDefinition {
  let loaded = packages.get(file);
  if (loaded === undefined) {
    loaded = loadSync(file, options);
    packages.set(file, loaded);
  }
  return loaded;
}

/**
 * A service of a file. Its methods carry the codecs of their messages.
 * @param fullName with its package, such as `apache.rocketmq.v2.MessagingService`
 * @throws RangeError when the file defines no such service
 */
export function loadService(file: string, fullName: string): ServiceDefinition {
  const found = loadPackage(file)[fullName];
  if (found === undefined || 'format' in found) {
    throw new RangeError(`${file} defines no service ${fullName}`);
  }
  return found as ServiceDefinition;
}
