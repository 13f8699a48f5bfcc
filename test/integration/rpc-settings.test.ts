import { credentials } from '@grpc/grpc-js';
import { FrameType, readUint32 } from '../../src/rpc/http2/frame';
import { Setting } from '../../src/rpc/http2/settings';
import { type GantryProcess, startGantry } from '../support/process';
import { HealthClient } from '../unit/rpc/support/probe';
import { RawClient } from '../unit/rpc/http2/raw-client';

let gantry: GantryProcess;

afterEach(() => gantry.kill());

async function start(transport: string, ...args: readonly string[]): Promise<void> {
  gantry = await startGantry('start', {
    args: ['--memory', '--rpc-transport', transport, ...args],
  });
}

/** A health check for a service whose name has so many letters. */
async function ask(letters: number): Promise<string> {
  const client = new HealthClient(gantry.endpoint, credentials.createInsecure());
  try {
    return await client.check('x'.repeat(letters));
  } finally {
    client.close();
  }
}

test('what a peer is allowed is what the settings say', async () => {
  await start(
    'http2',
    ...['--rpc-max-concurrent-streams', '77', '--rpc-max-frame-bytes', '20KiB'],
    ...['--rpc-max-header-list-bytes', '5000', '--rpc-header-table-bytes', '1KiB'],
    ...['--rpc-stream-window-bytes', '128KiB', '--rpc-connection-window-bytes', '256KiB'],
    ...['--rpc-max-connections-per-address', '1', '--rpc-keepalive', '1s'],
  );
  const client = await RawClient.open(gantry.port);
  const { payload } = await client.next(FrameType.SETTINGS);
  const allowed = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6) {
    allowed.set(payload.readUInt16BE(at), readUint32(payload, at + 2));
  }
  expect(Object.fromEntries(allowed)).toMatchObject({
    [Setting.HEADER_TABLE_SIZE]: 1024,
    [Setting.MAX_CONCURRENT_STREAMS]: 77,
    [Setting.INITIAL_WINDOW_SIZE]: 131_072,
    [Setting.MAX_FRAME_SIZE]: 20_480,
    [Setting.MAX_HEADER_LIST_SIZE]: 5000,
  });
  const more = await client.next(FrameType.WINDOW_UPDATE, 0);
  expect(readUint32(more.payload, 0)).toBe(262_144 - 65_535);
  await (await RawClient.open(gantry.port)).untilClosed();
  await client.next(FrameType.PING);
  client.close();
});

test.each(['http2', 'grpc-js'])('%s takes messages as large as the setting says', async (on) => {
  await start(on, '--rpc-max-receive-bytes', '64KiB');
  await expect(ask(60 * 1024)).rejects.toThrow(/NOT_FOUND/);
  await expect(ask(65 * 1024)).rejects.toThrow(/RESOURCE_EXHAUSTED/);
});
