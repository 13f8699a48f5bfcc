import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFile } from '../../../src/platform/file-lock';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-lock-'));
  path = join(directory, 'lock');
});
afterEach(() => rm(directory, { recursive: true }));

/** A process that does nothing until it is killed, and its id. */
async function idleProcess(): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6); console.log(1)']);
  await once(child.stdout, 'data');
  return { child, pid: child.pid ?? 0 };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('the lock names its process, and is gone when it is released', async () => {
  const lock = await lockFile(path);
  expect(await readFile(path, 'utf8')).toMatch(new RegExp(`^${process.pid} \\S+ \\S+\n$`));
  await lock.release();
  await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a lock of a running process is refused and the process named; once it has ended it is taken over', async () => {
  const { child, pid } = await idleProcess();
  await writeFile(path, `${pid} - -\n`);
  await expect(lockFile(path)).rejects.toMatchObject({
    code: 'ELOCKED',
    message: expect.stringContaining(`process ${pid}`) as string,
  });
  await kill(child);
  const lock = await lockFile(path);
  await lock.release();
});

test('an id that belongs to another process by now does not hold the lock', async () => {
  const { child, pid } = await idleProcess();
  await writeFile(path, `${pid} 1 another-boot\n`);
  const lock = await lockFile(path);
  await lock.release();
  await kill(child);
});

test.each(['', 'garbage', '12'])(
  'a file of a process that died while it wrote it (%p) is taken over',
  async (text) => {
    await writeFile(path, text);
    const lock = await lockFile(path);
    await lock.release();
  },
);

test('of many that take over a stale lock at once, one gets it', async () => {
  await writeFile(path, `${2 ** 22 + 1} - -\n`);
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockFile(path)));
  const held = outcomes.flatMap((outcome) =>
    outcome.status === 'fulfilled' ? [outcome.value] : [],
  );
  expect(held.length).toBe(1);
  for (const lock of held) await lock.release();
});

test('a lock that somebody else has by now is not removed on release', async () => {
  const lock = await lockFile(path);
  await writeFile(path, 'somebody else');
  await lock.release();
  expect(await readFile(path, 'utf8')).toBe('somebody else');
});
