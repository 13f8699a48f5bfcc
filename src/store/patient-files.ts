/**
 * Files that wait while the process has as many files open as the system allows (EMFILE, ENFILE):
 * sockets come and go, and nothing is lost by opening a file a little later.
 */
import type { Logger } from 'pino';
import { errorCode } from '../platform/file-error';
import type { FileHandle, Files, OpenMode, Platform } from '../platform/platform';

const RETRY_MS = 100;
const MOST_RETRIES = 100;

/** The platform's files; `open` is tried again for ten seconds while no descriptor is free. */
export function patientFiles({ files, timers }: Platform, log: Logger): Files {
  const open = async (path: string, mode: OpenMode): Promise<FileHandle> => {
    for (let retries = 0; ; retries++) {
      try {
        return await files.open(path, mode);
      } catch (error) {
        const code = errorCode(error);
        if ((code !== 'EMFILE' && code !== 'ENFILE') || retries === MOST_RETRIES) throw error;
        if (retries === 0) log.warn({ err: error, path }, 'too many open files, waiting for one');
      }
      await new Promise<void>((resolve) => timers.after(RETRY_MS, resolve));
    }
  };
  return {
    open,
    makeDirectory: (path) => files.makeDirectory(path),
    list: (path) => files.list(path),
    stat: (path) => files.stat(path),
    readFile: (path) => files.readFile(path),
    writeFile: (path, data, mode) => files.writeFile(path, data, mode),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    removeTree: (path) => files.removeTree(path),
    syncDirectory: (path) => files.syncDirectory(path),
    space: (path) => files.space(path),
    lock: (path, beside) => files.lock(path, beside),
  };
}
