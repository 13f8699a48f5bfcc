import {
  freePort,
  type GantryProcess,
  spawnGantry,
  startGantry,
  untilReady,
} from '../support/process';
import { takesConnections } from '../support/takes-connections';
import { until } from '../support/until';

const WAIT_MS = 20_000;

describe('a proxy that starts', () => {
  const started: GantryProcess[] = [];
  afterEach(async () => {
    for (const one of started.splice(0).toReversed()) await one.kill();
  });

  it('takes no calls before it knows the routes, since a balancer would send some, and tells that it lives', async () => {
    const port = await freePort();
    const proxy = await spawnGantry('proxy', { args: ['--namesrv', `127.0.0.1:${port}`] });
    started.push(proxy);
    const status = async (path: string): Promise<number | undefined> =>
      (await fetch(`http://127.0.0.1:${proxy.httpPort}${path}`).catch(() => undefined))?.status;
    await until('it to live', WAIT_MS, async () =>
      (await status('/live')) === 200 ? true : undefined,
    );
    expect(await status('/ready')).toBe(503);
    expect(await takesConnections(proxy.port)).toBe(false);
    started.push(await startGantry('namesrv', { port }));
    await untilReady(proxy);
    expect(await takesConnections(proxy.port)).toBe(true);
  });
});
