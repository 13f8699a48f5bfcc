import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { samplesOf } from '../support/metric';
import { freePort, type GantryProcess, spawnGantry, untilReady } from '../support/process';
import { TlsFiles } from '../support/tls-files';
import { until } from '../support/until';

const LIMIT_MS = 60_000;

let folder: string;
let shown: TlsFiles;
let other: TlsFiles;
const running: GantryProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-replication-tls-'));
  shown = new TlsFiles();
  other = new TlsFiles();
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((gantry) => gantry.kill()));
  for (const files of [shown, other]) files.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A broker of a group whose name servers are not there: they are not needed here. */
async function start(id: number, port: number, ...args: readonly string[]): Promise<GantryProcess> {
  const group = ['--namesrv', '127.0.0.1:1', '--replication-mode', 'static'];
  const place = ['--data-dir', join(folder, `${id}`), '--broker-replica-id', `${id}`];
  const gantry = await spawnGantry('broker', { port, args: [...group, ...place, ...args] });
  running.push(gantry);
  await untilReady(gantry);
  return gantry;
}

/** The replicas whose streams the master has welcomed, as it tells Prometheus. */
async function followers(gantry: GantryProcess): Promise<readonly string[]> {
  const connected = await samplesOf(gantry, 'gantry_replica_connected');
  return [...connected].flatMap(([labels, value]) =>
    value === 1 ? (/replica="(\d+)"/.exec(labels)?.[1] ?? []) : [],
  );
}

it('a replica follows a master that takes TLS only; by plaintext, or when it does not trust it, it gets nothing', async () => {
  const port = await freePort();
  const leads = await start(0, port, '--tls-mode', 'enforcing', ...shown.flags);
  const follow = async (id: number, ...args: readonly string[]): Promise<GantryProcess> => {
    const role = ['--replication-role', 'replica', '--replication-master', `localhost:${port}`];
    return start(id, await freePort(), ...role, ...args);
  };
  const tls = ['--replication-tls-enabled', '--replication-tls-ca'];
  const [, plain, wary] = await Promise.all([
    follow(1, ...tls, shown.certificate),
    follow(2),
    follow(3, ...tls, other.certificate),
  ]);
  await until('the follower', LIMIT_MS, async () =>
    (await followers(leads)).length > 0 ? true : undefined,
  );
  for (const refused of [plain, wary]) {
    await until('refusals', LIMIT_MS, async () => {
      const { length } = refused.output().split('no stream to the master');
      return Promise.resolve(length > 2 ? true : undefined);
    });
  }
  expect(await followers(leads)).toEqual(['1']);
});
