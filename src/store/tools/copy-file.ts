/** Copies files for tools: in steps, and without taking space for what is zero. */
import type { FileHandle, Files } from '../../platform/platform';

const STEP_BYTES = 1024 * 1024;

/** Copies a file as long as it is; durable when it resolves, its name when the directory was synced. */
export async function copyFile(files: Files, from: string, to: string): Promise<void> {
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
