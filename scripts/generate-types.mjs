// Writes TypeScript types for every file under proto/ into src/rpc/generated/, with proto-loader's own generator.
// Does nothing when they are there already and neither the protos nor the generator have changed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const protoDir = join(root, 'proto');
const outDir = join(root, 'src', 'rpc', 'generated');
const stampFile = join(outDir, '.stamp');

// What src/rpc/protos.ts tells the loader at run time, in the generator's words: enums as numbers and bytes
// as Buffer are what it does when told nothing.
const options = [
  '--keepCase',
  '--longs=Number',
  '--defaults',
  '--oneofs',
  '--grpcLib=@grpc/grpc-js',
];

const protos = readdirSync(protoDir, { recursive: true })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.proto'))
  .sort();

const loaderDir = join(
  createRequire(import.meta.url).resolve('@grpc/proto-loader/package.json'),
  '..',
);
const loaderVersion = JSON.parse(readFileSync(join(loaderDir, 'package.json'), 'utf8')).version;

const hash = createHash('sha256')
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .update(loaderVersion);
for (const file of protos) hash.update(`\0${file}\0`).update(readFileSync(join(protoDir, file)));
const stamp = hash.digest('hex');

if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
  const fresh = mkdtempSync(join(root, 'src', 'rpc', '.generated-'));
  try {
    const generator = join(loaderDir, 'build', 'bin', 'proto-loader-gen-types.js');
    execFileSync(
      process.execPath,
      [generator, ...options, `--includeDirs=${protoDir}`, `--outDir=${fresh}`, ...protos],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    // The generator also sums up each .proto in a file named after it, without its folder: two admin.proto
    // would share one. Nothing needs these.
    for (const file of protos)
      rmSync(join(fresh, `${file.slice(file.lastIndexOf('/') + 1, -6)}.ts`), { force: true });
    writeFileSync(join(fresh, '.stamp'), stamp);
    rmSync(outDir, { recursive: true, force: true });
    renameSync(fresh, outDir);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  console.log(`types of ${protos.length} .proto files written to src/rpc/generated`);
}
