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
      lost: () =>
        parentPort?.postMessage({ kind: 'lost', epoch: held.epoch } satisfies RenewalReport),
    },
    () => platform.clock.monotonicMs() - readMs(shared, ALIVE) < stallMs,
  );
});
