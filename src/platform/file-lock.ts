/**
 * Takes a path for this process with a file that names it:
 *
 *     <process id> <start of the process> <boot id>\n
 *
 * Node has no fcntl locks. The file is made with O_EXCL, so that only one can make it; one whose
 * process has ended (no such id, or the id belongs to a process with another start) is taken over.
 * Without /proc only the id is compared. Two machines or two containers that share a directory
 * do not see each other's processes: this lock does not keep them apart.
 */
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { errorCode, fileError } from './file-error';
import type { FileLock } from './platform';

/** Attempts against others that take over the same stale lock. */
const MAX_ATTEMPTS = 20;
const RETRY_MS = 25;

/**
 * Takes `path` until released.
 * @param beside a file that no process may have locked with fcntl; seen where there is /proc/locks
 * @throws Error with code ELOCKED, naming the process that has it.
 */
export async function lockFile(path: string, beside?: string): Promise<FileLock> {
  const own = `${process.pid} ${identityOf(process.pid)}\n`;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (createExclusive(path, own)) {
      const holder = beside === undefined ? undefined : fcntlHolder(beside);
      if (holder === undefined) return { release: () => Promise.resolve(releaseFile(path, own)) };
      releaseFile(path, own);
      throw fileError('ELOCKED', `locked by process ${holder}, which is running`, beside ?? path);
    }
    const held = readText(path);
    if (held === undefined) continue;
    const holder = parseHolder(held);
    // A file without a whole line is being written this moment, or its writer died: look again before it counts as stale.
    const unfinished = holder === undefined && attempt < MAX_ATTEMPTS / 2;
    if (holder !== undefined && isAlive(holder)) {
      throw fileError('ELOCKED', `held by process ${holder.pid}, which is running`, path);
    }
    if (unfinished || !removeStale(path, held)) await pause(RETRY_MS);
  }
  throw fileError('ELOCKED', 'other processes are taking it over', path);
}

interface Holder {
  readonly pid: number;
  readonly identity: string;
}

function parseHolder(text: string): Holder | undefined {
  const match = /^(\d+) (.*)\n$/.exec(text);
  return match ? { pid: Number(match[1]), identity: match[2] ?? '' } : undefined;
}

/** What tells a process from another that got the same id: its start in ticks since boot, and the boot. */
function identityOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return '- -';
  // The command's name may hold blanks and parentheses: fields are counted behind the last one.
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  return `${started} ${readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '-'}`;
}

/**
 * The process that holds an fcntl lock on a file, by /proc/locks:
 *
 *     1: POSIX  ADVISORY  WRITE 4242 fd:00:1835081 0 0      number, kind, ..., process, device and inode, range
 */
function fcntlHolder(path: string): string | undefined {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  const locks = readText('/proc/locks');
  if (stat === undefined || locks === undefined) return undefined;
  const major = (stat.dev >>> 8) & 0xfff;
  const minor = (stat.dev & 0xff) | ((stat.dev >>> 12) & 0xfff00);
  const hex = (part: number): string => part.toString(16).padStart(2, '0');
  const file = `${hex(major)}:${hex(minor)}:${stat.ino}`;
  for (const line of locks.split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[1] === 'POSIX' && fields[5] === file) return fields[4];
  }
  return undefined;
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
  }
  const now = identityOf(holder.pid);
  return now === '- -' || holder.identity === '- -' || now === holder.identity;
}

/** Synchronous, so that nothing of this process comes between the file and its content. */
function createExclusive(path: string, text: string): boolean {
  let descriptor: number;
  try {
    descriptor = fs.openSync(path, 'wx', 0o644);
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    fs.writeSync(descriptor, text);
  } finally {
    fs.closeSync(descriptor);
  }
  return true;
}

/**
 * Removes a lock whose text was judged stale. It is moved aside first: of several processes that
 * judge the same file, one gets it; who finds another text in hand has caught a fresh lock and
 * puts it back.
 */
function removeStale(path: string, judged: string): boolean {
  const aside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    fs.renameSync(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw error;
  }
  const stale = readText(aside) === judged;
  if (!stale) {
    try {
      fs.linkSync(aside, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
  fs.unlinkSync(aside);
  return stale;
}

function releaseFile(path: string, own: string): void {
  if (readText(path) === own) fs.unlinkSync(path);
}

function readText(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}
