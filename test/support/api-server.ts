import type { TopicType } from '../../src/api/topic';
import { startStandalone } from '../../src/assembly/start-standalone';
import { loadConfig } from '../../src/config/load';
import { createLogger } from '../../src/observe/logger';
import { memoryPlatform } from '../../src/platform/memory-files';
import { nodePlatform } from '../../src/platform/node-platform';
import type { ReceiveMessageRequest } from '../../src/rpc/generated/apache/rocketmq/v2/ReceiveMessageRequest';
import type { SystemProperties } from '../../src/rpc/generated/apache/rocketmq/v2/SystemProperties';
import { message, receiveRequest } from './public-client';
import { type CallOptions, type Headers, RawCalls, type Received } from './raw-calls';

const TYPES: readonly TopicType[] = [
  ...(['NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED', 'PRIORITY', 'LITE'] as const),
];
const IN_A_TEST = {
  host: '127.0.0.1',
  port: '0',
  dataDir: '/gantry',
  'store.segmentBytes': '64MiB',
  'store.index.slots': '10000',
  'store.index.entries': '40000',
  'topics.autoCreate': false,
  'topics.create': TYPES.map((type) => `${type.toLowerCase()}:${type}:1`).join(','),
  'log.level': 'silent',
};

/** A broker in this process, with a topic of one queue for each type, named as the type in lower case. */
export interface ApiServer {
  readonly client: RawCalls;
  /** Another client of the same server. */
  another(clientId: string, headers?: Headers): RawCalls;
  /** Sends messages that have only what is given, and expects that they are taken. */
  send(topic: string, ids: readonly string[], system?: SystemProperties): Promise<void>;
  /** Begins a group on a topic, from now on. */
  subscribe(group: string, topic: string): Promise<void>;
  /** A receive of a simple consumer from `topic`. */
  receive(
    group: string,
    topic: string,
    changes?: ReceiveMessageRequest,
    options?: CallOptions,
  ): Promise<Received>;
  stop(): Promise<void>;
}

/** @param settings by key, as flags of the command line would give them, beside those that make it run in memory */
export async function startApiServer(
  settings: Readonly<Record<string, string | boolean>> = {},
): Promise<ApiServer> {
  const flags = new Map(Object.entries({ ...IN_A_TEST, ...settings }));
  const options = { ...loadConfig('start', { env: {}, flags }), httpPort: undefined };
  const gantry = await startStandalone(options, {
    platform: memoryPlatform(),
    settingsFiles: nodePlatform().files,
    logger: createLogger('start', { level: 'silent', pretty: false }),
  });
  const { grpc = '' } = gantry.endpoints;
  const clients: RawCalls[] = [];
  const another: ApiServer['another'] = (clientId, headers) => {
    const made = new RawCalls(grpc, clientId, headers);
    clients.push(made);
    return made;
  };
  const client = another('client-1');
  return {
    client,
    another,
    send: async (topic, ids, system) => {
      const messages = ids.map((id) => message(topic, id, system));
      const status = await client.status('SendMessage', { messages });
      if (status.code !== 20000) throw new Error(`not sent: ${status.code} ${status.message}`);
    },
    subscribe: async (group, topic) => {
      const stream = client.telemetry();
      await stream.settings({
        client_type: 3,
        subscription: {
          group: { name: group },
          subscriptions: [{ topic: { name: topic }, expression: { expression: '*' } }],
        },
      });
      await stream.end();
    },
    receive: (group, topic, changes, options) =>
      client.receive(receiveRequest(group, topic, changes), options),
    stop: async () => {
      for (const made of clients) made.close();
      await gantry.stop();
    },
  };
}
