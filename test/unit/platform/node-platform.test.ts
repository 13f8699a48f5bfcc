import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { nodePlatform } from '../../../src/platform/node-platform';

const platform = nodePlatform();

function after(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    platform.timers.after(delayMs, resolve);
  });
}

test('a timer runs once, not before its time, and not at all when it is cancelled', async () => {
  const start = platform.clock.monotonicMs();
  let runs = 0;
  const cancelled = platform.timers.after(5, () => void runs++);
  cancelled.cancel();
  await after(30);
  expect(platform.clock.monotonicMs() - start).toBeGreaterThanOrEqual(29);
  expect(runs).toBe(0);
});

test('a timer of more days than Node counts does not run at once', async () => {
  let ran = false;
  const timer = platform.timers.after(2 ** 40, () => void (ran = true));
  await after(20);
  expect(ran).toBe(false);
  timer.cancel();
});

test('the next turn comes after this one and its promises', async () => {
  const order: string[] = [];
  const turn = new Promise<void>((resolve) => {
    platform.timers.nextTurn(() => {
      order.push('next turn');
      resolve();
    });
  });
  void Promise.resolve().then(() => order.push('promise'));
  order.push('now');
  await turn;
  expect(order).toEqual(['now', 'promise', 'next turn']);
});

test('random numbers fill 32 bits and do not repeat', () => {
  const drawn = Array.from({ length: 3000 }, () => platform.random.uint32());
  expect(new Set(drawn).size).toBeGreaterThan(2990);
  expect(Math.max(...drawn)).toBeGreaterThan(2 ** 31);
  expect(Math.max(...drawn)).toBeLessThan(2 ** 32);
  expect(platform.random.bytes(16).length).toBe(16);
});

describe('HTTP', () => {
  /** What a GET answers: status, type and body. */
  function get(port: number, path: string): Promise<[number, string, string]> {
    return new Promise((resolve, reject) => {
      request({ port, path, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => {
          resolve([response.statusCode ?? 0, response.headers['content-type'] ?? '', body]);
        });
      })
        .on('error', reject)
        .end();
    });
  }

  test('a handler gets method and path, and its answer is sent', async () => {
    const listener = await platform.sockets.listenHttp('127.0.0.1', 0, ({ method, url }) => ({
      status: 201,
      contentType: 'text/plain',
      body: `${method} ${url} ü`,
    }));
    const answer = await get(listener.port, '/ready?full=1');
    expect(answer).toEqual([201, 'text/plain', 'GET /ready?full=1 ü']);
    await listener.close();
    await expect(get(listener.port, '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('a handler that fails answers 500 with the reason', async () => {
    const listener = await platform.sockets.listenHttp('127.0.0.1', 0, () =>
      Promise.reject(new Error('no answer today')),
    );
    expect(await get(listener.port, '/')).toEqual([
      500,
      'text/plain; charset=utf-8',
      'no answer today\n',
    ]);
    await listener.close();
  });

  test('a port in use is told, and a client that sends nothing does not hold up closing', async () => {
    const answer = { status: 200, contentType: 'text/plain', body: '' };
    const listener = await platform.sockets.listenHttp('127.0.0.1', 0, () => answer);
    await expect(
      platform.sockets.listenHttp('127.0.0.1', listener.port, () => answer),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const silent = connect(listener.port, '127.0.0.1');
    await once(silent, 'connect');
    const gone = once(silent, 'close');
    await listener.close();
    await gone;
  });
});

test('timers alone do not keep a process alive', () => {
  const alive = (): number =>
    process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const before = alive();
  const timer = platform.timers.after(600_000, () => undefined);
  expect(alive()).toBe(before);
  timer.cancel();
});
