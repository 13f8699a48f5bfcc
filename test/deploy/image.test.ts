import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { imageStage } from '../support/deploy-files';
import { wordsOf } from '../support/dockerfile';
import { run } from '../support/go-program';
import { freePort, isReady } from '../support/process';
import { until, within } from '../support/until';
import { buildImage, runInImage } from './support/scratch-image';

const READY_MS = 60_000;
const USER = 1000;
/** Node alone is 95 MiB of it. */
const OWN_MIB_MAX = 150;

const directory = mkdtempSync(join(tmpdir(), 'gantry-image-'));
const running: ChildProcess[] = [];
let image = '';
let data = '';

beforeAll(async () => {
  image = await buildImage(directory);
});
beforeEach(() => {
  data = mkdtempSync(join(directory, 'data-'));
  chownSync(data, USER, USER);
});
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'close');
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Container {
  readonly child: ChildProcess;
  readonly env: Readonly<Record<string, string>>;
}

/** Starts `gantry ROLE` in the image and waits until it is ready. */
async function start(role: string, env: Readonly<Record<string, string>> = {}): Promise<Container> {
  const [port, httpPort] = [await freePort(), await freePort()];
  const ports = { GANTRY_PORT: `${port}`, GANTRY_HTTP_PORT: `${httpPort}` };
  const all = { GANTRY_HOST: '127.0.0.1', ...ports, ...env };
  const command = [...wordsOf(imageStage(), 'ENTRYPOINT'), role];
  const child = runInImage(image, data, command, all);
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  await until(`${role} to be ready`, READY_MS, async () => {
    if (child.exitCode !== null) throw new Error(`${role} ended: ${output}`);
    return (await isReady(httpPort)) ? true : undefined;
  });
  return { child, env: all };
}

/** Runs a command in the image to its end. */
async function ended(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly text: string }> {
  const child = runInImage(image, data, command, env);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  }
  const [code] = (await within(command.join(' '), READY_MS, once(child, 'close'))) as [
    number | null,
  ];
  return { code, text };
}

const metrics = async ({ env }: Container): Promise<string> =>
  (await fetch(`http://127.0.0.1:${env['GANTRY_HTTP_PORT']}/metrics`)).text();

const healthy = (env: Readonly<Record<string, string>>) =>
  ended(wordsOf(imageStage(), 'HEALTHCHECK'), env);

describe('the image', () => {
  it('holds what it needs to run and no more', async () => {
    const { stdout } = await run('du', ['-sm', image]);
    expect(Number.parseInt(stdout, 10)).toBeLessThan(OWN_MIB_MAX);
    for (const name of ['typescript', 'jest', '@swc/core']) {
      expect(existsSync(join(image, 'opt/gantry/node_modules', name))).toBe(false);
    }
  });

  it('runs as a user that may write to /data and nowhere else', async () => {
    const script = 'id -u; touch /data/mine; touch /opt/gantry/x /tmp/x /x 2>&1 || true';
    const { text } = await ended(['sh', '-c', script]);
    expect(text).toMatch(/^1000\n/);
    expect(existsSync(join(data, 'mine'))).toBe(true);
    expect(text.match(/touch: /g)).toHaveLength(3);
  });

  it('runs everything in one process: healthy, messages go through, SIGTERM ends it', async () => {
    const { child, env } = await start('start');
    expect((await healthy(env)).code).toBe(0);
    const endpoint = ['--endpoint', `127.0.0.1:${env['GANTRY_PORT']}`];
    for (const command of [
      ['gantry', 'topic', 'create', 'greetings', ...endpoint],
      ['gantry', 'send', 'greetings', '--body', 'hello', ...endpoint],
    ]) {
      expect(await ended(command)).toMatchObject({ code: 0 });
    }
    const received = await ended([
      'gantry',
      'receive',
      'greetings',
      '--group',
      'readers',
      '--from-beginning',
      ...endpoint,
    ]);
    expect(received.text).toContain('hello');
    expect(existsSync(join(data, 'commitlog'))).toBe(true);
    child.kill('SIGTERM');
    const [code] = (await within('the end', READY_MS, once(child, 'close'))) as [number | null];
    expect(code).toBe(0);
    expect((await healthy(env)).code).toBe(1);
  });

  it('runs each role of a cluster', async () => {
    const namesrv = await start('namesrv');
    const address = { GANTRY_NAMESRV: `127.0.0.1:${namesrv.env['GANTRY_PORT']}` };
    const broker = await start('broker', address);
    const proxy = await start('proxy', address);
    for (const { env } of [namesrv, broker, proxy]) expect((await healthy(env)).code).toBe(0);
    const endpoint = ['--endpoint', `127.0.0.1:${proxy.env['GANTRY_PORT']}`];
    const cluster = (what: string): ReturnType<typeof ended> =>
      ended(['gantry', 'cluster', what, ...endpoint]);
    expect((await cluster('status')).text).toMatch(/^broker-a +0 +alone /m);
    expect((await cluster('brokers')).text).toMatch(/^broker-a +0 +alone /m);
    expect((await cluster('proxies')).text).toContain(`127.0.0.1:${proxy.env['GANTRY_PORT']}`);
    expect(await metrics(broker)).toContain('gantry_broker_leads{broker="broker-a"} 1\n');
    expect(await metrics(proxy)).toContain('gantry_proxy_connections ');
  });
});
