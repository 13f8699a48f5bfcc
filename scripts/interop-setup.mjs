// Makes what the Python and Java clients need, once, under .cache/ : a virtual environment with the pinned client, and the
// compiled Java driver with its jars. Quick when that is done already.
//   node scripts/interop-setup.mjs [python] [java]      default: both
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const interop = join(root, 'test', 'interop');
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

function python() {
  const folder = join(cache, 'python');
  const requirements = join(interop, 'python', 'requirements.txt');
  once(folder, [requirements], () => {
    run('python3', ['-m', 'venv', folder]);
    run(join(folder, 'bin', 'python'), [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--requirement',
      requirements,
    ]);
  });
}

function java() {
  const folder = join(cache, 'java');
  const pom = join(interop, 'java', 'pom.xml');
  const driver = join(interop, 'java', 'src', 'main', 'java', 'Driver.java');
  once(folder, [pom, driver], () => {
    run('mvn', [
      '--quiet',
      '--batch-mode',
      '--file',
      pom,
      `-Dinterop.build=${folder}`,
      'process-classes',
    ]);
  });
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['python', 'java'];
for (const name of wanted) {
  if (name === 'python') python();
  else if (name === 'java') java();
  else throw new Error(`unknown client ${name}: python or java`);
}
