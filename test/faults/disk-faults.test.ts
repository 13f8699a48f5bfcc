/**
 * Real disks that are full or broken, under a running `gantry start`: a small tmpfs, errors that strace
 * puts into system calls, files that cannot be written, too few file descriptors. Needs root and strace.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GantryProcess, spawnGantry, startGantry } from '../support/process';
import { Code, RawClient, type RawStatus } from '../support/raw-client';
import { until } from '../support/until';

const MIB = 1024 * 1024;
const WAIT_MS = 30_000;
const ARGS = [
  '--topic',
  'orders',
  '--log-level',
  'warn',
  '--store-segment-bytes',
  '8MiB',
  '--store-disk-clean',
  '100',
];
let root: string;
let ends: (() => Promise<unknown> | void)[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gantry-disk-'));
  ends = [() => rmSync(root, { recursive: true, force: true })];
});

afterEach(async () => {
  for (const end of ends.reverse()) await end();
});

async function start(directory: string): Promise<GantryProcess> {
  const running = await startGantry('start', { args: ['--data-dir', directory, ...ARGS] });
  ends.push(() => running.kill());
  return running;
}

function client(running: GantryProcess): RawClient {
  const made = new RawClient(running.endpoint, 'client-1');
  ends.push(() => {
    made.close();
  });
  return made;
}

function mountTmpfs(bytes: number): string {
  const path = join(root, 'disk');
  execFileSync('mkdir', [path]);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]);
  ends.push(() => void execFileSync('umount', ['-l', path]));
  return path;
}

/** Lets a system call of a process fail from now on. */
async function inject(pid: number, call: string, error: string): Promise<ChildProcess> {
  const rule = `inject=${call}:error=${error}`;
  const tracer = spawn('strace', ['-f', '-p', `${pid}`, '-e', `trace=${call}`, '-e', rule], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  ends.push(() => void tracer.kill('SIGKILL'));
  let said = '';
  tracer.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  await until('strace to be attached', WAIT_MS, () =>
    said.includes('attached') ? true : undefined,
  );
  return tracer;
}

async function readiness(running: GantryProcess): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${running.httpPort}/ready`);
  return { status: answer.status, text: await answer.text() };
}

/** Sends until one is refused; answers how many were taken, and the refusal. */
async function fill(to: RawClient): Promise<{ kept: number; refusal: RawStatus }> {
  for (let kept = 0; kept < 10_000; kept++) {
    const status = await to.send('orders', `m${kept}`, Buffer.alloc(64 * 1024, kept % 256));
    if (status.code !== Code.OK) return { kept, refusal: status };
  }
  throw new Error('a full disk takes everything');
}

/** How many records of the topic a store holds, by its own tool. */
function recordsOf(directory: string): number {
  const main = join(__dirname, '..', '..', 'dist', 'main.js');
  const args = [main, 'store', 'dump', directory, '--topic', 'orders', '-o', 'json'];
  return execFileSync(process.execPath, args, { maxBuffer: 64 * MIB })
    .toString()
    .trimEnd()
    .split('\n').length;
}

test('on a full disk sends are refused with the reason, and all that was answered OK is there', async () => {
  const directory = join(mountTmpfs(40 * MIB), 'data');
  const running = await start(directory);
  const { kept, refusal } = await fill(client(running));
  expect(kept).toBeGreaterThan(20);
  expect(refusal.message).toMatch(/disk|space|ENOSPC/);
  await running.kill();
  expect(recordsOf(directory)).toBeGreaterThanOrEqual(kept);
});

test.each([
  ['fdatasync', 'EIO'],
  ['pwrite64,pwritev', 'EIO'],
])('after an error of %s no send is answered OK, and readiness says why', async (call, error) => {
  const directory = join(root, 'data');
  const running = await start(directory);
  const sender = client(running);
  expect((await sender.send('orders', 'kept', Buffer.from('kept'))).code).toBe(Code.OK);
  const tracer = await inject(running.pid, call, error);
  const lost = await sender.send('orders', 'lost', Buffer.from('lost'));
  expect(lost.code).not.toBe(Code.OK);
  expect(lost.message).toContain(error);
  tracer.kill('SIGINT');
  await once(tracer, 'close');
  // The disk is well again: nobody knows what the failed call has left there.
  const refused = await sender.send('orders', 'refused', Buffer.from('refused'));
  expect(refused.code).not.toBe(Code.OK);
  expect(refused.message).toMatch(/read-only.*EIO/);
  const { status, text } = await readiness(running);
  expect(status).toBe(503);
  expect(text).toContain(error);
  await running.kill();
  const again = await start(directory);
  expect((await client(again).send('orders', 'next', Buffer.from('next'))).code).toBe(Code.OK);
  await again.stop();
  expect(recordsOf(directory)).toBeGreaterThanOrEqual(2);
});

async function failsToStart(directory: string, reason: RegExp): Promise<void> {
  const running = await spawnGantry('start', { args: ['--data-dir', directory, ...ARGS] });
  ends.push(() => running.kill());
  await until('the reason', WAIT_MS, () => (reason.test(running.output()) ? true : undefined));
}

test('a directory that takes no writes is refused with the reason', async () => {
  const directory = mountTmpfs(MIB);
  execFileSync('mount', ['-o', 'remount,ro', directory]);
  await failsToStart(join(directory, 'data'), /EROFS/);
});

test('a second process on the same directory is refused by name of the first', async () => {
  const directory = join(root, 'data');
  const first = await start(directory);
  await failsToStart(directory, new RegExp(`ELOCKED.*${first.pid}`));
  expect((await client(first).send('orders', 'm', Buffer.from('m'))).code).toBe(Code.OK);
});

test('with few file descriptors what was answered OK is kept, and the process lives', async () => {
  const directory = join(root, 'data');
  const running = await start(directory);
  const sender = client(running);
  expect((await sender.send('orders', 'before', Buffer.from('before'))).code).toBe(Code.OK);
  const open = execFileSync('ls', [`/proc/${running.pid}/fd`])
    .toString()
    .trim()
    .split('\n').length;
  execFileSync('prlimit', ['--pid', `${running.pid}`, `--nofile=${open}:`]);
  let kept = 1;
  for (let i = 0; i < 40; i++) {
    const status = await sender.send('orders', `m${i}`, Buffer.alloc(64 * 1024));
    if (status.code === Code.OK) kept++;
  }
  execFileSync('prlimit', ['--pid', `${running.pid}`, '--nofile=4096:']);
  await running.stop();
  expect(recordsOf(directory)).toBeGreaterThanOrEqual(kept);
});
