import { listenHealth, Readiness } from '../../../src/observe/http';
import { nodePlatform } from '../../../src/platform/node-platform';
import type { Listener } from '../../../src/platform/platform';

let readiness: Readiness;
let listener: Listener;
beforeEach(async () => {
  readiness = new Readiness();
  listener = await listenHealth(nodePlatform().sockets, '127.0.0.1', 0, readiness);
});
afterEach(() => listener.close());

async function get(path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, { method });
  return { status: response.status, body: await response.text() };
}

describe('GET /metrics', () => {
  it('tells readiness and each part of it', async () => {
    readiness.set('store', false);
    readiness.set('serving', true);
    const { status, body } = await get('/metrics');
    expect(status).toBe(200);
    expect(body.split('\n')).toEqual(
      expect.arrayContaining([
        'gantry_ready 0',
        'gantry_part_ready{part="store"} 0',
        'gantry_part_ready{part="serving"} 1',
      ]),
    );
  });
});

describe('GET /ready', () => {
  it('is 503 while no part has said anything', async () => {
    expect(await get('/ready')).toEqual({ status: 503, body: '{"ready":false,"parts":{}}\n' });
  });

  it('is 200 as soon as every part is ready, and names them', async () => {
    readiness.set('store', true);
    readiness.set('serving', false);
    expect(await get('/ready')).toEqual({
      status: 503,
      body: '{"ready":false,"parts":{"store":true,"serving":false}}\n',
    });
    readiness.set('serving', true);
    expect(await get('/ready')).toEqual({
      status: 200,
      body: '{"ready":true,"parts":{"store":true,"serving":true}}\n',
    });
  });

  it('is 503 again when a part no longer is', async () => {
    readiness.set('serving', true);
    expect((await get('/ready')).status).toBe(200);
    readiness.set('serving', false);
    expect((await get('/ready')).status).toBe(503);
  });

  it('says why a part is not ready, for as long as it is not', async () => {
    readiness.set('store', false, 'EIO: the disk is broken');
    expect(await get('/ready')).toEqual({
      status: 503,
      body: '{"ready":false,"parts":{"store":false},"reasons":{"store":"EIO: the disk is broken"}}\n',
    });
    readiness.set('store', true);
    expect((await get('/ready')).body).toBe('{"ready":true,"parts":{"store":true}}\n');
  });

  it('asks parts that say by themselves whether they are ready', async () => {
    let reason = 'behind';
    readiness.set('store', true);
    readiness.ask('replica', () => reason);
    expect(await get('/ready')).toEqual({
      status: 503,
      body: '{"ready":false,"parts":{"store":true,"replica":false},"reasons":{"replica":"behind"}}\n',
    });
    reason = '';
    expect(await get('/ready')).toEqual({
      status: 200,
      body: '{"ready":true,"parts":{"store":true,"replica":true}}\n',
    });
  });

  it('takes a query, and HEAD', async () => {
    readiness.set('serving', true);
    expect((await get('/ready?probe=1')).status).toBe(200);
    expect(await get('/ready', 'HEAD')).toEqual({ status: 200, body: '' });
  });
});

describe('other requests', () => {
  it('GET /live is 200, ready or not', async () => {
    expect(await get('/live')).toEqual({ status: 200, body: '{"live":true}\n' });
  });

  it('a path that is none is 404 and says what there is', async () => {
    const { status, body } = await get('/healthz');
    expect(status).toBe(404);
    expect(body).toContain('/ready');
  });

  it('a method that changes something is 405', async () => {
    expect((await get('/ready', 'POST')).status).toBe(405);
  });
});
