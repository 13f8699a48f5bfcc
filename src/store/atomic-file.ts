/** Files that are replaced as a whole. */
import { dirname } from 'node:path';
import type { Files } from '../platform/platform';

/** Replaces a file by `data`: after a crash there is the old one or the new one, whole. Durable when it resolves. */
export async function replaceFile(files: Files, path: string, data: Buffer): Promise<void> {
  const staged = `${path}.new`;
  await writeDurably(files, staged, data);
  await files.rename(staged, path);
  await files.syncDirectory(dirname(path));
}

/** Writes a file in place, at most a few hundred bytes; its content is durable when it resolves, its name is not. */
export async function writeDurably(files: Files, path: string, data: Buffer): Promise<void> {
  const handle = await files.open(path, 'create');
  try {
    await handle.truncate(data.length);
    await handle.write([data], 0);
    await handle.datasync();
  } finally {
    await handle.close();
  }
}
