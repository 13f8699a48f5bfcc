import { Code } from '../../../../src/message/status';
import type { ProxySettings } from '../../../../src/proxy/settings';
import type { ReceiveMessageRequest } from '../../../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageRequest';
import { ModelCluster } from '../../../support/model-cluster';
import {
  message,
  PublicClient,
  type Receive,
  receiveRequest,
} from '../../../support/public-client';

export interface Scene {
  readonly cluster: ModelCluster;
  readonly client: PublicClient;
  /** Opens a receive of group g on topic t and lets it come to rest. */
  receive(
    changes?: ReceiveMessageRequest,
    caller?: Parameters<PublicClient['receive']>[1],
  ): Promise<Receive>;
  send(...ids: string[]): Promise<void>;
}

export function scene(settings: Partial<ProxySettings> = {}, names?: readonly string[]): Scene {
  const cluster = new ModelCluster(settings, names);
  cluster.topic('t', 'NORMAL', 1);
  const client = new PublicClient(cluster);
  return {
    cluster,
    client,
    receive: async (changes, caller) => {
      const receive = client.receive(receiveRequest('g', 't', changes), caller);
      await cluster.sim.settle();
      return receive;
    },
    send: async (...ids) => {
      const messages = ids.map((id) => message('t', id));
      expect((await client.status('SendMessage', { messages })).code).toBe(Code.OK);
    },
  };
}
