import { CuttingProxy } from '../support/cutting-proxy';
import { type GantryProcess, runGantry, spawnGantry, startGantry } from '../support/process';
import { headerV2, rawV2 } from '../support/proxy-headers';
import { RawClient as ApiClient } from '../support/raw-client';
import { until, within } from '../support/until';

const OK = 20000;
const HTTP2 = ['--memory', '--rpc-transport', 'http2'];
const REQUIRED = ['--rpc-proxy-protocol', 'required', '--rpc-proxy-protocol-from', '127.0.0.0/8'];

let gantry: GantryProcess | undefined;
const balancers: CuttingProxy[] = [];

afterEach(async () => {
  for (const balancer of balancers.splice(0)) await balancer.close();
  await gantry?.kill();
  gantry = undefined;
});

/** A balancer on loopback that begins connections with this header; answers where clients reach it. */
async function balancer(port: number, header: Buffer): Promise<string> {
  const made = new CuttingProxy(port, header);
  balancers.push(made);
  return `127.0.0.1:${await made.listen()}`;
}

test('operators see the client that a header names, and the admin service answers it by its own address', async () => {
  gantry = await startGantry('start', { args: [...HTTP2, ...REQUIRED] });
  const remote = await balancer(gantry.port, headerV2('192.0.2.7 49152', '198.51.100.1 8081'));
  const itself = await balancer(gantry.port, rawV2(0x20, 0, Buffer.alloc(0)));

  const client = new ApiClient(remote, 'far-away');
  expect((await client.send('orders', 'message-1', Buffer.from('body'))).code).toBe(OK);
  const end = await client.subscribe('group', 'orders');
  const ask = async (...args: readonly string[]): Promise<string> =>
    runGantry([...args, '--endpoint', itself]);
  expect(await ask('client', 'show', 'far-away')).toMatch(/192\.0\.2\.7/);
  expect(await ask('message', 'get', 'message-1', '--topic', 'orders')).toMatch(/on 192\.0\.2\.7/);
  await expect(runGantry(['topic', 'list', '--endpoint', remote])).rejects.toThrow(
    /answers only to this machine, not to 192\.0\.2\.7/,
  );
  end();
  client.close();
});

test('the log tells of a balancer that sends headers nobody asked for, once and not each time', async () => {
  gantry = await startGantry('start', { args: HTTP2 });
  const { output } = gantry;
  const misled = await balancer(gantry.port, headerV2('192.0.2.7 49152', '198.51.100.1 8081'));
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(runGantry(['topic', 'list', '--endpoint', misled])).rejects.toThrow(/UNAVAILABLE/);
  }
  const told = /"level":40.*"peer":"127\.0\.0\.1".*rpc\.proxyProtocol does not let send any/g;
  await until('the log', 5000, () => (told.test(output()) ? true : undefined));
  expect(output().match(told)).toHaveLength(1);
});

test('does not start on grpc-js, which would take clients for the balancer', async () => {
  gantry = await spawnGantry('start', {
    args: ['--memory', '--rpc-transport', 'grpc-js', ...REQUIRED],
  });
  expect(await within('the end', 20_000, gantry.ended)).toBe(2);
  expect(gantry.output()).toContain(
    'gantry: rpc.proxyProtocol (required) needs rpc.transport http2: grpc-js reads no such header\n',
  );
});
