/**
 * The image of deploy/Dockerfile without Docker: each stage is a directory, COPY copies, RUN runs with this machine's Node
 * and npm. The result is entered by chroot in a mount namespace of its own: root read-only but for /data, the user that
 * USER names, nothing of our environment. Of the base image nothing is there but this machine's libraries and commands,
 * so this wants the Debian release that the image is made from.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { deployText, imageStage } from '../../support/deploy-files';
import {
  environmentOf,
  type Instruction,
  readDockerfile,
  type Stage,
  wordsOf,
} from '../../support/dockerfile';
import { run } from '../../support/go-program';
import { ROOT } from '../../support/process';

const BUILD_MS = 600_000;
/** What comes from the base image. */
const BASE = ['usr/lib', 'usr/lib64', 'usr/bin', 'dev', 'proc'];

/** Takes the steps of the Dockerfile below `directory`. @returns the image's root */
export async function buildImage(directory: string): Promise<string> {
  const roots = new Map<string, string>();
  let root = '';
  for (const [i, stage] of readDockerfile(deployText('Dockerfile')).entries()) {
    root = join(directory, stage.name === '' ? `stage-${i}` : stage.name);
    begin(stage, root);
    await take(stage, root, roots);
    roots.set(stage.name, root);
  }
  for (const folder of BASE) mkdirSync(join(root, folder), { recursive: true });
  for (const folder of ['lib', 'lib64', 'bin']) symlinkSync(`usr/${folder}`, join(root, folder));
  return root;
}

/** A stage that begins with an image of Node has its program; one that begins with another stage uses this machine's. */
function begin({ base }: Stage, root: string): void {
  const bin = join(root, 'usr/local/bin');
  mkdirSync(bin, { recursive: true });
  if (base.startsWith('node:')) copyFileSync(process.execPath, join(bin, 'node'));
}

async function take(stage: Stage, root: string, roots: ReadonlyMap<string, string>): Promise<void> {
  let cwd = root;
  for (const instruction of stage.instructions) {
    if (instruction.name === 'WORKDIR') {
      cwd = join(root, instruction.text);
      mkdirSync(cwd, { recursive: true });
    }
    if (instruction.name === 'COPY') copy(instruction, root, cwd, roots);
    if (instruction.name === 'RUN') {
      await run('sh', ['-ec', instruction.text], { cwd, timeout: BUILD_MS, maxBuffer: 1 << 26 });
    }
  }
}

function copy(
  { words, flags }: Instruction,
  root: string,
  cwd: string,
  roots: ReadonlyMap<string, string>,
): void {
  const from = flags.get('from');
  const target = words.at(-1) ?? '';
  const to = join(target.startsWith('/') ? root : cwd, target);
  const ignored = from === undefined ? ignoredFiles() : [];
  for (const word of words.slice(0, -1)) {
    const source = join(from === undefined ? ROOT : (roots.get(from) ?? ''), word);
    const into =
      target.endsWith('/') && statSync(source).isFile() ? join(to, basename(source)) : to;
    mkdirSync(dirname(into), { recursive: true });
    cpSync(source, into, { recursive: true, filter: (path) => !ignored.includes(path) });
  }
}

function ignoredFiles(): readonly string[] {
  return readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => /^[\w/]/.test(line))
    .map((line) => join(ROOT, line));
}

/** Arguments: root, the directory for /data, user:group, then variables and the command. */
const ENTER = `
root=$1 data=$2 user=$3; shift 3
mount --bind "$root" "$root"
for folder in ${BASE.join(' ')}; do mount --rbind "/$folder" "$root/$folder"; done
mount --bind "$data" "$root/data"
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" "$root" /usr/bin/env -i "$@"
`;

/** Runs a command in the image. @param env beside what the image sets */
export function runInImage(
  root: string,
  dataDir: string,
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const stage = imageStage();
  const [user = ''] = wordsOf(stage, 'USER');
  const path = '/usr/local/bin:/usr/bin:/bin';
  const variables = Object.entries({ PATH: path, ...environmentOf(stage), ...env });
  const words = [...variables.map(([name, value]) => `${name}=${value}`), ...command];
  const enter = ['--mount', '--propagation', 'private', 'sh', '-ec', ENTER, 'enter'];
  return spawn('unshare', [...enter, root, dataDir, user, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
