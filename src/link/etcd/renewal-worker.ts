/** The thread that renews a leadership, whatever the process's event loop does. Started by `WorkerRenewer`. */
import { parentPort, workerData } from 'node:worker_threads';
import { nodePlatform } from '../../platform/node-platform';
import { EtcdClient } from './etcd-client';
import { RenewalLoop } from './renewal-loop';
import {
  ALIVE,
  readMs,
  RENEWED,
  writeMs,
  type RenewalOrder,
  type RenewalReport,
  type RenewalWorkerData,
} from './renewal-words';

const { etcd, shared: memory, stallMs } = workerData as RenewalWorkerData;
const shared = new BigInt64Array(memory);
const platform = nodePlatform();
const client = new EtcdClient(etcd, platform);
let loop: RenewalLoop | undefined;
/** How long the first connection may take, ms. */
const CONNECT_MS = 3_000;

function report(what: RenewalReport): void {
  parentPort?.postMessage(what);
}

client
  .range({ key: Buffer.from('/gantry/') }, CONNECT_MS)
  .catch(() => undefined)
  .finally(() => report({ kind: 'ready' }));

parentPort?.on('message', (order: RenewalOrder) => {
  loop?.end();
  loop = undefined;
  if (order.kind === 'end') return;
  const { held } = order;
  loop = new RenewalLoop(
    client,
    platform,
    held,
    {
      renewed: (sentMs) => writeMs(shared, RENEWED, sentMs),
      lost: () => report({ kind: 'lost', revision: held.revision }),
    },
    () => platform.clock.monotonicMs() - readMs(shared, ALIVE) < stallMs,
  );
});
