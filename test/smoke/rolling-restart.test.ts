import { startCluster, Target } from '../crash/target';
import { expectNothingFailed, restartUnderLoad } from '../rolling/support/rolling';

const CHECKS = ['--transactions-first-check', '1s', '--transactions-check-interval', '1s'];

describe('name servers, and proxies behind a balancer of connections, restarted one by one under load', () => {
  it('let no call of the Node client fail, not even one that it would repeat', async () => {
    let proxies: readonly string[] = [];
    const target = await Target.start(async (made) => {
      ({ proxies } = await startCluster(made, 2, CHECKS, 2));
    });
    try {
      const order = ['namesrv-1', 'namesrv-2', 'proxy-1', 'proxy-2'];
      const replace = (name: string): Promise<void> => target.replace(name);
      const result = await restartUnderLoad({
        ...{ clients: ['node'], proxies, order, replace, messages: 40 },
      });
      expectNothingFailed(result);
    } finally {
      await target.remove();
    }
  });
});
