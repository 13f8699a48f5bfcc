import { type Cluster, startCluster } from '../../interop/support/topology';
import { Balancer, BALANCER_HOST, type BalancerName, BALANCERS } from './balancer';

/** A cluster whose clients know only the balancer's address; commands go to the proxies. */
export interface BalancedCluster extends Cluster {
  readonly balancer: Balancer;
}

const PROXY_PROTOCOL = [
  ...['--rpc-proxy-protocol', 'required'],
  ...['--rpc-proxy-protocol-from', BALANCER_HOST],
];

/** One name server, two brokers and two proxies behind a balancer, a process each. */
export async function startBehind(name: BalancerName): Promise<BalancedCluster> {
  const cluster = await startCluster(BALANCERS[name].namesClients ? PROXY_PROTOCOL : []);
  try {
    const balancer = await Balancer.start(name, cluster.proxies);
    return {
      ...cluster,
      balancer,
      endpoints: [balancer.endpoint],
      allEndpoints: balancer.endpoint,
      stop: async () => {
        await balancer.stop();
        await cluster.stop();
      },
    };
  } catch (error) {
    await cluster.kill();
    throw error;
  }
}
