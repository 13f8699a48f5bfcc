// Makes what clients in other languages need, once, under .cache/ : virtual environments with the pinned packages, compiled
// programs with their jars. Quick when that is done already.
//   node scripts/interop-setup.mjs [python] [java] [rust] [stack-python] [stack-java] [stack-go] [apache] [envoy]
//                                                                                default: python java rust
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const interop = join(root, 'test', 'interop');
const stacks = join(root, 'test', 'transport', 'stacks');
const cache = join(root, '.cache');

function run(command, args) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
  });
  if (error !== undefined) throw new Error(`${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed\n${stdout}${stderr}`);
}

/** Runs `make` unless the folder was made from these very sources. */
function once(folder, sources, make) {
  const stamp = join(folder, '.made-from');
  const digest = createHash('sha256');
  for (const source of sources) digest.update(readFileSync(source));
  const wanted = digest.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  make();
  writeFileSync(`${stamp}.new`, wanted);
  renameSync(`${stamp}.new`, stamp);
}

function python(name, sources) {
  const folder = join(cache, name);
  const requirements = join(sources, 'requirements.txt');
  once(folder, [requirements], () => {
    run('python3', ['-m', 'venv', folder]);
    const install = ['-m', 'pip', 'install', '--quiet', '--requirement', requirements];
    run(join(folder, 'bin', 'python'), install);
  });
}

function java(name, sources, program) {
  const folder = join(cache, name);
  const pom = join(sources, 'pom.xml');
  once(folder, [pom, join(sources, 'src', 'main', 'java', program)], () => {
    const flags = ['--quiet', '--batch-mode', '--file', pom];
    run('mvn', [...flags, `-Dinterop.build=${folder}`, 'process-classes']);
  });
}

function go(name, sources) {
  const folder = join(cache, name);
  const files = ['main.go', 'go.mod', 'go.sum'].map((file) => join(sources, file));
  once(folder, files, () => {
    run('go', ['build', '-C', sources, '-o', join(folder, 'stack'), '.']);
  });
}

/** Cargo knows what there is to do; a change of the driver compiles the driver only. */
function rust() {
  const manifest = join(interop, 'rust', 'Cargo.toml');
  const target = join(cache, 'rust');
  run('cargo', [
    'build',
    '--quiet',
    '--locked',
    '--manifest-path',
    manifest,
    '--target-dir',
    target,
  ]);
}

/** The jars of Apache RocketMQ, for the exchange of directories. */
function apache() {
  const folder = join(cache, 'apache');
  const pom = join(interop, 'apache', 'pom.xml');
  once(folder, [pom], () => {
    const output = `-DoutputDirectory=${join(folder, 'lib')}`;
    run('mvn', ['--quiet', '--batch-mode', '--file', pom, 'dependency:copy-dependencies', output]);
  });
}

const made = {
  python: () => python('python', join(interop, 'python')),
  java: () => java('java', join(interop, 'java'), 'Driver.java'),
  rust,
  'stack-python': () => python('stack-python', join(stacks, 'python')),
  'stack-java': () => java('stack-java', join(stacks, 'java'), 'Stack.java'),
  apache,
  envoy: () => python('envoy', join(root, 'test', 'balancers', 'envoy')),
  'stack-go': () => go('stack-go', join(stacks, 'go')),
};

for (const name of process.argv.length > 2 ? process.argv.slice(2) : ['python', 'java', 'rust']) {
  const make = made[name];
  if (make === undefined)
    throw new Error(`unknown: ${name}; known: ${Object.keys(made).join(', ')}`);
  make();
}
