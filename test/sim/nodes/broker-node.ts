import { Broker } from '../../../src/broker/broker';
import { DEFAULT_BROKER_SETTINGS } from '../../../src/broker/settings';
import { BrokerLinkServer } from '../../../src/link/broker-link-server';
import { servedMethods } from '../../../src/link/broker-methods';
import { LINK_LIMITS } from '../../../src/link/link-limits';
import { brokerDefinition } from '../../../src/link/services';
import { OpenStreams } from '../../../src/link/stream-service';
import { ANY_HOST } from '../../../src/message/host';
import type { FlushMode } from '../../../src/store/message-store';
import { openStore } from '../../../src/store/open-store';
import { codecPipe } from '../world/wire';
import { dialerOf, LINK, type NodeSurroundings, routesOf, type RunningNode } from './surroundings';

const KIB = 1024;
const DIRECTORY = '/broker';
const GRACE_MS = 5000;
/** Small, so that files roll, snapshots are made and the log is cut often. */
const FILES = {
  segmentBytes: 256 * KIB,
  queueFileEntries: 100,
  index: { slots: 100, entries: 400 },
  tailBytes: 512 * KIB,
};
const SETTINGS = {
  snapshotEveryBytes: 8 * KIB,
  transactions: { firstCheckMs: 1000, checkIntervalMs: 1000, maxChecks: 1000, maxPending: 1000 },
};

export interface BrokerSpec {
  readonly brokerName: string;
  readonly flush: FlushMode;
}

/** A broker as `gantry broker` puts it together, on the simulated network. */
export async function startBroker(
  { brokerName, flush }: BrokerSpec,
  surroundings: NodeSurroundings,
): Promise<RunningNode> {
  const { process, logger } = surroundings;
  const { platform } = process;
  const store = await openStore({
    ...{ directory: DIRECTORY, platform, flush, storeHost: ANY_HOST, ...FILES },
    log: logger.child({ part: 'store' }),
  });
  const broker = await Broker.open({
    ...{ store, directory: DIRECTORY, platform, logger: logger.child({ part: 'broker' }) },
    settings: { ...DEFAULT_BROKER_SETTINGS, ...SETTINGS, brokerName },
    dial: dialerOf(surroundings),
  });
  const streams = new OpenStreams();
  const { Link } = brokerDefinition();
  const methods = servedMethods();
  const log = logger.child({ part: 'link' });
  const settings = { platform, log, brokerName, brokerId: 0, limits: LINK_LIMITS };
  process.services.set(LINK, (end) => {
    const pipe = codecPipe(end, Link.responseSerialize, Link.requestDeserialize);
    streams.add(new BrokerLinkServer(() => broker, methods, pipe, settings, streams.remove));
  });
  const routes = routesOf(surroundings);
  await broker.register(routes, process.machine);
  return {
    stop: async () => {
      await broker.unregister();
      await streams.close(platform.timers, GRACE_MS);
      await routes.close();
      await broker.close();
      await store.close();
    },
  };
}
