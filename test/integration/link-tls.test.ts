import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsIdentity } from '../../src/platform/platform';
import { Authority } from '../support/authority';
import { samplesOf } from '../support/metric';
import {
  freePort,
  type GantryProcess,
  runGantry,
  spawnGantry,
  startGantry,
} from '../support/process';
import { makeIdentity } from '../support/tls-files';
import { until } from '../support/until';

const LIMIT_MS = 60_000;
const DAY_MS = 86_400_000;

let folder: string;
const running: GantryProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-link-tls-'));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((gantry) => gantry.kill()));
  rmSync(folder, { recursive: true, force: true });
});

async function run(starting: Promise<GantryProcess>): Promise<GantryProcess> {
  const gantry = await starting;
  running.push(gantry);
  return gantry;
}

/** Files of one part of a cluster. */
interface PartFiles {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
}

function filesOf(name: string, { certificate, key, ca = certificate }: TlsIdentity): PartFiles {
  const contents = { certificate, key, ca };
  mkdirSync(join(folder, name));
  const path = (part: string): string => join(folder, name, `${part}.pem`);
  for (const [part, pem] of Object.entries(contents)) writeFileSync(path(part), pem);
  return { certificate: path('certificate'), key: path('key'), ca: path('ca') };
}

const served = ({ certificate, key }: PartFiles): readonly string[] => [
  ...['--tls-mode', 'enforcing', '--tls-certificate', certificate, '--tls-key', key],
];
const trusting = ({ ca }: PartFiles): readonly string[] => [
  '--link-tls-enabled',
  '--link-tls-ca',
  ca,
];
const showing = ({ certificate, key }: PartFiles): readonly string[] => [
  ...['--link-tls-certificate', certificate, '--link-tls-key', key],
];

/** A broker of a group, by number; its master is at `masterPort` where it is not itself. */
async function replica(
  id: number,
  ports: { readonly own: number; readonly master: number },
  ...args: readonly string[]
): Promise<GantryProcess> {
  const group = ['--replication-mode', 'static', '--broker-address', `localhost:${ports.own}`];
  const place = ['--data-dir', join(folder, `${id}`), '--broker-replica-id', `${id}`];
  const role = [
    '--replication-role',
    'replica',
    '--replication-master',
    `localhost:${ports.master}`,
  ];
  const follows = ports.own === ports.master ? [] : role;
  const options = { port: ports.own, args: [...group, ...place, ...follows, ...args] };
  return run(startGantry('broker', options));
}

/** The replicas whose streams the master has welcomed, as it tells Prometheus. */
async function followers(gantry: GantryProcess): Promise<readonly string[]> {
  const connected = await samplesOf(gantry, 'gantry_replica_connected');
  return [...connected].flatMap(([labels, value]) =>
    value === 1 ? (/replica="(\d+)"/.exec(labels)?.[1] ?? []) : [],
  );
}

const told = (gantry: GantryProcess, text: string): Promise<true> =>
  until(text, LIMIT_MS, () => (gantry.output().includes(text) ? true : undefined));

it('a replica follows a master that takes TLS only; by plaintext, or when it does not trust it, it gets nothing', async () => {
  const shown = filesOf('shown', makeIdentity());
  const other = filesOf('other', makeIdentity());
  const master = await freePort();
  const away = ['--namesrv', '127.0.0.1:1'];
  const leads = await replica(0, { own: master, master }, ...away, ...served(shown));
  const [, plain, wary] = await Promise.all(
    [trusting(shown), [], trusting(other)].map(async (tls, index) =>
      replica(index + 1, { own: await freePort(), master }, ...away, ...tls),
    ),
  );
  await until('the follower', LIMIT_MS, async () =>
    (await followers(leads)).length > 0 ? true : undefined,
  );
  for (const refused of [plain, wary]) {
    await until('refusals', LIMIT_MS, () =>
      (refused?.output().split('no stream to the master').length ?? 0) > 2 ? true : undefined,
    );
  }
  expect(await followers(leads)).toEqual(['1']);
});

it('parts of a cluster that want certificates of each other serve nobody without, and say whom and why', async () => {
  const authority = new Authority();
  const own = filesOf('own', authority.issue('a part'));
  const port = [...served(own), '--tls-client-ca', own.ca];
  const link = [...trusting(own), ...showing(own)];
  const namesrv = await run(startGantry('namesrv', { args: port }));
  const joins = ['--namesrv', `localhost:${namesrv.port}`];
  const master = await freePort();
  const broker = await replica(0, { own: master, master }, ...joins, ...port, ...link);
  await replica(1, { own: await freePort(), master }, ...joins, ...port, ...link);
  const proxy = await run(startGantry('proxy', { args: [...joins, ...link] }));

  const old = { fromMs: Date.now() - 3 * DAY_MS };
  const foreign = new Authority('somebody else').issue('a spy');
  const strangers: readonly (readonly string[])[] = [
    [],
    trusting(own),
    [...trusting(own), ...showing(filesOf('old', authority.issue('too old', old)))],
    [...trusting(own), ...showing(filesOf('spy', foreign))],
  ];
  for (const args of strangers) {
    await run(spawnGantry('proxy', { args: [...joins, ...args] }));
  }
  await replica(2, { own: await freePort(), master }, ...joins, ...trusting(own));

  for (const reason of [
    'it came without TLS',
    'it showed no certificate',
    'its certificate (CN=too old) is not trusted: CERT_HAS_EXPIRED',
    'its certificate (CN=a spy) is not trusted: UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ]) {
    await told(namesrv, `"peer":"127.0.0.1","reason":"${reason}"`);
  }
  await told(broker, '"reason":"it showed no certificate"');
  for (const stranger of running.slice(4, 8)) await told(stranger, 'name server is not reachable');

  // The parts that have certificates work, for clients that need none.
  const asked = ['--endpoint', proxy.endpoint];
  await runGantry(['topic', 'create', 'orders', ...asked]);
  await runGantry(['send', 'orders', '--body', 'hello', ...asked]);
  const receive = ['receive', 'orders', '--group', 'shop', '--from-beginning', '--max', '1'];
  expect(await runGantry([...receive, ...asked])).toContain('hello');
  expect(await followers(broker)).toEqual(['1']);
  const { proxies } = JSON.parse(
    await runGantry(['cluster', 'proxies', '-o', 'json', ...asked]),
  ) as { readonly proxies: readonly unknown[] };
  expect(proxies).toHaveLength(1);
});

it('a command shows its certificate to a proxy that wants one', async () => {
  const own = filesOf('own', new Authority().issue('a part'));
  const args = ['--memory', ...served(own), '--tls-client-ca', own.ca];
  const gantry = await run(startGantry('start', { args }));
  const list = ['topic', 'list', '--endpoint', `localhost:${gantry.port}`, '--endpoint-ca', own.ca];
  await expect(runGantry(list)).rejects.toThrow(/PERMISSION_DENIED.*not secure enough/);
  const env = { GANTRY_ENDPOINT_CERTIFICATE: own.certificate, GANTRY_ENDPOINT_KEY: own.key };
  expect(await runGantry(list, env)).toContain('NAME  TYPE');
});
