import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './process';

export const run = promisify(execFile);

/**
 * A program of Go's, built once into the cache.
 * @param source package and version, such as `example.org/tool/cmd/tool@v1.2.3`
 * @returns where it is
 */
export async function goProgram(source: string): Promise<string> {
  const bin = join(ROOT, '.cache', 'go', source.replace(/[^\w.]+/g, '-'));
  const program = join(bin, basename(source.replace(/@.*$/, '')));
  if (!existsSync(program)) {
    mkdirSync(bin, { recursive: true });
    await run('go', ['install', source], { env: { ...process.env, GOBIN: bin } });
  }
  return program;
}

/**
 * The files of a module of Go's.
 * @param source module and version, such as `example.org/module@v1.2.3`
 * @returns the directory that holds them, read-only
 */
export async function goModule(source: string): Promise<string> {
  const { stdout } = await run('go', ['mod', 'download', '-json', source], { cwd: tmpdir() });
  return (JSON.parse(stdout) as { readonly Dir: string }).Dir;
}
