import { BROKERS, FailoverCluster, NAMESRVS, PROXIES } from '../failover/support/cluster';
import { MasterWatch } from '../failover/support/master-watch';
import { CLIENTS, expectNothingFailed, restartUnderLoad } from './support/rolling';

const ALL = [...NAMESRVS, ...BROKERS, ...PROXIES] as const;
const MESSAGES = 100;

describe('a cluster whose name servers, brokers and proxies are restarted one by one under load', () => {
  it.each(CLIENTS)('lets no call of the %s client fail', async (client) => {
    const cluster = await FailoverCluster.start({});
    const watch = new MasterWatch(cluster);
    try {
      await watch.master(BROKERS.length);
      const result = await restartUnderLoad({
        clients: [client],
        proxies: cluster.proxies,
        order: ALL,
        replace: async (name) => {
          await cluster.stop(name);
          await cluster.restart(name);
          // As an operator would: the next one when all have all.
          await watch.master(BROKERS.length);
        },
        messages: MESSAGES,
      });
      expectNothingFailed(result);
    } catch (error) {
      throw new Error(`${String(error)}\n${cluster.output()}`, { cause: error });
    } finally {
      await watch.stop();
      await cluster.remove();
    }
  });
});
