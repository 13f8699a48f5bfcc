/** Service definitions and codecs from the files under `proto/`, each file loaded once in a process. */
import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type Options, type PackageDefinition } from '@grpc/proto-loader';

/** The package's root, seen from src/rpc as well as from dist/rpc. */
export const PROTO_ROOT = join(__dirname, '..', '..', 'proto');

/**
 * Fields keep their names; 64-bit integers are numbers (exact up to 2^53), enums numbers (those we don't
 * know survive), bytes Buffers; what has presence and is absent is left out, all else has its default; the
 * field that a oneof holds is named under the oneof's name. scripts/generate-types.mjs makes the types for just this.
 */
const options: Options = {
  keepCase: true,
  longs: Number,
  defaults: true,
  oneofs: true,
  includeDirs: [PROTO_ROOT],
};

const packages = new Map<string, PackageDefinition>();

/**
 * All that a file and its imports define.
 * @param file below `proto/`, such as `gantry/v1/broker.proto`
 * @throws Error naming the file that is missing or can't be parsed
 */
export function loadPackage(file: string): PackageDefinition {
  let loaded = packages.get(file);
  if (loaded === undefined) {
    loaded = loadSync(file, options);
    packages.set(file, loaded);
  }
  return loaded;
}

/**
 * All that several files define, with descriptors that tell of all of them. (Those of `loadPackage` tell of
 * one file, and two files of one package would contradict each other.) Loaded anew at each call.
 */
export function loadTogether(files: readonly string[]): PackageDefinition {
  return loadSync([...files], options);
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
  return found;
}
