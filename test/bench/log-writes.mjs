// How long the event loop stalls, and what a batch costs, when the log is written (a) by synchronous
// calls in the loop, (b) by asynchronous ones, while another process saturates the disk.
//
//     node test/bench/log-writes.mjs [DIRECTORY] [SECONDS]
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const directory = fs.mkdtempSync(path.join(process.argv[2] ?? os.tmpdir(), 'gantry-writes-'));
const seconds = Number(process.argv[3] ?? 5);
const BATCH = Buffer.alloc(64 * 1250, 7);
const SEGMENT = 1024 * 1024 * 1024;

const writers = {
  sync: (fd, position) => {
    fs.writeSync(fd, BATCH, 0, BATCH.length, position);
    return Promise.resolve();
  },
  async: (fd, position) =>
    new Promise((resolve, reject) => {
      fs.writev(fd, [BATCH], position, (error) => (error ? reject(error) : resolve()));
    }),
};

const sync = (fd) =>
  new Promise((resolve, reject) => {
    fs.fdatasync(fd, (error) => (error ? reject(error) : resolve()));
  });

async function run(name, flush, saturated) {
  const file = path.join(directory, 'log');
  const fd = fs.openSync(file, 'w');
  fs.ftruncateSync(fd, SEGMENT);
  const noise = saturated
    ? spawn('sh', [
        '-c',
        `timeout ${seconds + 1} dd if=/dev/zero of=${path.join(directory, 'noise')} bs=1M count=8000 2>/dev/null`,
      ])
    : undefined;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const end = Date.now() + seconds * 1000;
  let batches = 0;
  while (Date.now() < end) {
    const position = (batches * BATCH.length) % (SEGMENT - BATCH.length);
    await writers[name](fd, position);
    if (flush) await sync(fd);
    batches++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  if (noise !== undefined) {
    noise.kill();
    await new Promise((resolve) => noise.once('close', resolve));
  }
  fs.closeSync(fd);
  fs.rmSync(file);
  fs.rmSync(path.join(directory, 'noise'), { force: true });
  return {
    write: name,
    flush: flush ? 'sync' : 'async',
    disk: saturated ? 'saturated' : 'quiet',
    'batches/s': Math.round(batches / seconds),
    'CPU us/batch': Math.round((user + system) / batches),
    'longest stall ms': Math.round(delay.max / 1e6),
  };
}

const rows = [];
for (const saturated of [false, true]) {
  for (const flush of [true, false]) {
    for (const name of Object.keys(writers)) rows.push(await run(name, flush, saturated));
  }
}
console.table(rows);
fs.rmSync(directory, { recursive: true });
