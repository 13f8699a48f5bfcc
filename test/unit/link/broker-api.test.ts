import type { BrokerApi } from '../../../src/api/broker-api';
import { brokerDialer } from '../../../src/link/broker-dialer';
import { brokerLinkService } from '../../../src/link/broker-link-service';
import { memoryPlatform } from '../../../src/platform/memory-files';
import { BrokerBench } from '../../support/broker-bench';
import { keptLog } from '../../support/kept-log';
import { MemoryLink } from '../../support/memory-link';
import { registration } from '../../support/registration';
import { serveOnLoopback } from '../../support/rpc-pair';
import type { SimClock } from '../../support/sim-clock';
import { openTestBroker } from '../../support/test-broker';
import { within } from '../../support/until';
import { brokerApiSuite, type BrokerApiUnderTest } from './broker-api-suite';

const settings = { brokerName: 'a' };
const LIMIT_MS = 10_000;

/** Moves simulated time in steps until a promise has settled. */
async function drive<T>(sim: SimClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = promise.finally(() => (settled = true));
  done.catch(() => undefined);
  for (let i = 0; i < 1_000 && !settled; i++) await sim.settle();
  for (let ms = 0; ms < LIMIT_MS && !settled; ms += 50) await sim.advance(50);
  if (!settled) throw new Error(`not settled within ${LIMIT_MS} ms of simulated time`);
  return done;
}

async function simulated(
  between: (sim: SimClock, broker: BrokerApi) => { api: BrokerApi; end: () => Promise<void> },
): Promise<BrokerApiUnderTest> {
  const bench = await new BrokerBench({ settings }).open();
  const { sim, broker } = bench;
  const { api, end } = between(sim, broker);
  return {
    api,
    drive: (promise) => drive(sim, promise),
    close: async () => {
      await end();
      await drive(sim, bench.running?.stop() ?? Promise.resolve());
    },
  };
}

brokerApiSuite('in process', () =>
  simulated((_sim, broker) => ({ api: broker, end: () => Promise.resolve() })),
);

brokerApiSuite('over a link in memory', () =>
  simulated((sim, broker) => {
    const { link } = new MemoryLink(sim, broker);
    return { api: link, end: () => link.close() };
  }),
);

brokerApiSuite('over gRPC', async () => {
  const platform = memoryPlatform();
  const log = keptLog();
  const running = await openTestBroker(platform, { settings });
  const service = brokerLinkService(() => running.broker, {
    platform,
    log,
    brokerName: 'a',
    brokerId: () => 0,
  });
  const served = await serveOnLoopback([service]);
  const connection = brokerDialer({ platform, log })(registration({ address: served.address }));
  return {
    api: connection,
    drive: (promise) => within('the broker answers', LIMIT_MS, promise),
    close: async () => {
      await connection.close();
      await service.close(1_000);
      await served.stop();
      await running.stop();
    },
  };
});
