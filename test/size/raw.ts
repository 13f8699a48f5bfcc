/** What the disk does without a store: sequential writes and reads of 1 MiB. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { performance } from 'node:perf_hooks';

const STEP_BYTES = 1024 * 1024;

/** Seconds that writing `bytes` bytes takes, the last sync counted; the system writes back meanwhile. */
export async function rawWrite(path: string, bytes: number): Promise<number> {
  const step = Buffer.alloc(STEP_BYTES, 'gantry ');
  const begin = performance.now();
  const file = await fs.open(path, 'a');
  for (let done = 0; done < bytes; done += STEP_BYTES) await file.write(step);
  await file.datasync();
  await file.close();
  return (performance.now() - begin) / 1000;
}

/** Seconds that reading all of a file takes, with its bytes not in memory. */
export async function rawRead(path: string): Promise<number> {
  evict([path]);
  const step = Buffer.alloc(STEP_BYTES);
  const begin = performance.now();
  const file = await fs.open(path, 'r');
  for (;;) if ((await file.read(step, 0, STEP_BYTES, null)).bytesRead === 0) break;
  await file.close();
  return (performance.now() - begin) / 1000;
}

/** Takes files, which must be synced, out of the system's memory. */
export function evict(paths: readonly string[]): void {
  const code =
    'import os,sys\nfor p in sys.argv[1:]:\n f=os.open(p,os.O_RDONLY)\n' +
    ' os.posix_fadvise(f,0,0,os.POSIX_FADV_DONTNEED)\n os.close(f)';
  const { status, stderr } = spawnSync('python3', ['-c', code, ...paths], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`python3 could not evict files: ${stderr}`);
}
