import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { gantry, type Outcome } from '../../support/command-line';
import { testTransport } from '../../support/transport';

const FREE = [
  ...['--host', '127.0.0.1', '--port', '0', '--http-port', '0', '--log-level', 'silent'],
  ...['--rpc-transport', testTransport()],
];

/** Starts a role in this process and waits for its banner. */
async function starts(
  ...args: readonly string[]
): Promise<{ readonly banner: string; readonly ended: Promise<Outcome> }> {
  let ended: Promise<Outcome> | undefined;
  const banner = await new Promise<string>((resolve, reject) => {
    ended = gantry([...args, ...FREE], { onErr: resolve });
    ended.then(({ err }) => reject(new Error(`ended: ${err}`)), reject);
  });
  if (ended === undefined) throw new Error('not started');
  return { banner, ended };
}

const http = (banner: string): string => /HTTP +(\S+:\d+)/.exec(banner)?.[1] ?? '';

describe('gantry start', () => {
  it('says what listens where, is ready, and ends with 0 on SIGTERM', async () => {
    const { banner, ended } = await starts('start', '--memory');
    expect(banner).toMatch(/^gantry start \d+\.\d+\.\d+$/m);
    expect(banner).toMatch(/^ +gRPC +127\.0\.0\.1:[1-9]\d*$/m);
    expect(banner).toMatch(/^ +data +in memory, gone when the process ends$/m);
    const ready = await fetch(`http://${http(banner)}/ready`);
    expect(ready.status).toBe(200);
    process.emit('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, out: '' });
    await expect(fetch(`http://${http(banner)}/ready`)).rejects.toThrow();
  });

  it('names the data directory, and two cannot share it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gantry-start-'));
    try {
      const { banner, ended } = await starts('start', '--data-dir', directory);
      expect(banner).toContain(`data  ${directory}, flush sync`);
      const second = await gantry(['start', '--data-dir', directory, ...FREE]);
      expect(second.code).toBe(1);
      expect(second.err).toMatch(/^gantry: .*\n$/);
      process.emit('SIGINT');
      expect((await ended).code).toBe(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('a second signal ends the process at once with 1', async () => {
    const { ended } = await starts('start', '--memory');
    const exit = jest.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
    try {
      process.emit('SIGTERM');
      expect(exit).not.toHaveBeenCalled();
      process.emit('SIGTERM');
      expect(exit).toHaveBeenCalledWith(1);
    } finally {
      await ended;
      exit.mockRestore();
    }
    expect(process.listenerCount('SIGTERM')).toBe(0);
  });

  it('a port that is taken is one line and the code 1', async () => {
    const { banner, ended } = await starts('start', '--memory');
    const port = /gRPC +127\.0\.0\.1:(\d+)/.exec(banner)?.[1] ?? '';
    const taken = await gantry(['start', '--memory', ...FREE, '--port', port]);
    expect(taken).toMatchObject({ code: 1, out: '' });
    expect(taken.err).toMatch(/^gantry: .*EADDRINUSE.*\n$/);
    process.emit('SIGTERM');
    await ended;
  });
});
