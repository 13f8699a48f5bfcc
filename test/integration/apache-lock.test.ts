import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { ANY_HOST } from '../../src/message/host';
import { nodePlatform } from '../../src/platform/node-platform';
import { openStore } from '../../src/store/open-store';

/** Takes the file's lock as Apache RocketMQ does, and says so. */
const HOLD = `
import fcntl, sys, time
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
print("held", flush=True)
sys.stdin.read()
`;

test('a directory whose lock a process of Apache RocketMQ holds is refused before anything is changed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'gantry-lock-'));
  const lock = join(directory, 'lock');
  writeFileSync(lock, 'lock');
  const holder = spawn('python3', ['-c', HOLD, lock], { stdio: ['pipe', 'pipe', 'inherit'] });
  const options = {
    ...{ directory, platform: nodePlatform(), log: pino({ level: 'silent' }) },
    ...{ flush: 'sync' as const, storeHost: ANY_HOST, segmentBytes: 16 * 1024 * 1024 },
  };
  try {
    await once(holder.stdout, 'data');
    const refused = openStore(options);
    await expect(refused).rejects.toMatchObject({
      code: 'ELOCKED',
      message: expect.stringContaining(
        `locked by process ${holder.pid}, which is running`,
      ) as string,
    });
    expect(readdirSync(directory).sort()).toEqual(['gantry', 'lock']);
    expect(readdirSync(join(directory, 'gantry'))).toEqual([]);
    holder.stdin.end();
    await once(holder, 'close');
    const store = await openStore(options);
    await store.close();
  } finally {
    holder.kill();
    rmSync(directory, { recursive: true, force: true });
  }
});
