/** Copies files for tools: in steps, and without taking space for what is zero. */
import { join } from 'node:path';
import type { FileHandle, Files } from '../../platform/platform';

const STEP_BYTES = 1024 * 1024;

/**
 * Copies all files of a directory but those that `leaveOut` names by their path below it; durable
 * when it resolves, but for the name of `to`.
 */
export async function copyTree(
  files: Files,
  from: string,
  to: string,
  leaveOut: (path: string) => boolean,
  keepTimes?: (from: string, to: string) => Promise<void>,
  folder = '',
): Promise<void> {
  for (const name of await files.list(join(from, folder))) {
    const path = join(folder, name);
    if (leaveOut(path)) continue;
    const [source, target] = [join(from, path), join(to, path)];
    if ((await files.stat(source))?.directory === true) {
      await files.makeDirectory(target);
      await copyTree(files, from, to, leaveOut, keepTimes, path);
      continue;
    }
    // Keys are for their owner alone: the file is made with those rights before anything is in it.
    if (name.includes('key')) await files.writeFile(target, '', 0o600);
    await copyFile(files, source, target);
    await keepTimes?.(source, target);
  }
  await files.syncDirectory(join(to, folder));
}

/** Copies a file as long as it is; its bytes are durable when it resolves. */
async function copyFile(files: Files, from: string, to: string): Promise<void> {
  const source = await files.open(from, 'read');
  try {
    const bytes = await source.size();
    const target = await files.open(to, 'create');
    try {
      await target.truncate(bytes);
      await copyBytes(source, 0, target, 0, bytes);
      await target.datasync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Copies `bytes` bytes into a file whose bytes there are zero; what the source lacks stays so. */
export async function copyBytes(
  source: Pick<FileHandle, 'read'>,
  from: number,
  target: FileHandle,
  to: number,
  bytes: number,
): Promise<void> {
  const block = Buffer.allocUnsafe(Math.min(STEP_BYTES, bytes));
  for (let done = 0; done < bytes;) {
    const part = block.subarray(0, Math.min(block.length, bytes - done));
    const filled = await source.read(part, from + done);
    const read = part.subarray(0, filled);
    if (read.some((byte) => byte !== 0)) await target.write([read], to + done);
    if (filled < part.length) return;
    done += filled;
  }
}
