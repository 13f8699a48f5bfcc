/** The service `apache.rocketmq.v2.Admin`: what consoles and tools ask of a proxy. */
import type { AdminHandlers } from '../../rpc/generated/apache/rocketmq/v2/Admin';
import type { AdminCallParts } from './admin-call';
import { clientHandlers } from './clients';
import { messageHandlers } from './messages';
import { processHandlers } from './process';
import { progressHandlers } from './progress';
import { subscriptionHandlers } from './subscriptions';
import { topicHandlers } from './topics';

export function adminRpc(shared: AdminCallParts): AdminHandlers {
  return {
    ...topicHandlers(shared),
    ...subscriptionHandlers(shared),
    ...progressHandlers(shared),
    ...clientHandlers(shared),
    ...messageHandlers(shared),
    ...processHandlers(shared),
  };
}
