import { Code } from '../../../../src/message/status';
import type {
  Settings,
  Settings__Output,
} from '../../../../src/rpc/generated/apache/rocketmq/v2/Settings';
import { ModelCluster } from '../../../support/model-cluster';
import { PublicClient, type Telemetry } from '../../../support/public-client';

export const accessPoint = {
  scheme: 3 as const,
  addresses: [{ host: 'broker.example', port: 8081 }],
};
export const producer: Settings = {
  client_type: 1,
  access_point: accessPoint,
  request_timeout: { seconds: 3 },
  user_agent: { language: 1, version: '5.0.7', platform: 'linux', hostname: 'h' },
  client_properties: { region: 'eu' },
  publishing: {
    topics: [{ resource_namespace: 'ns', name: 't' }],
    max_body_size: 134_217_728,
    validate_message_type: false,
  },
};
export const consumer: Settings = {
  client_type: 2,
  access_point: accessPoint,
  request_timeout: { seconds: 3 },
  subscription: {
    group: { resource_namespace: 'ns', name: 'g' },
    subscriptions: [
      {
        topic: { resource_namespace: 'ns', name: 't' },
        expression: { type: 1, expression: 'a||b' },
      },
    ],
  },
};

export async function open(
  cluster: ModelCluster,
  settings: Settings,
  clientId = 'client-1',
): Promise<Telemetry> {
  const stream = new PublicClient(cluster, { clientId }).telemetry();
  stream.sendSettings(settings);
  await cluster.sim.settle();
  return stream;
}

export async function answered(
  cluster: ModelCluster,
  settings: Settings,
): Promise<Settings__Output> {
  const stream = await open(cluster, settings);
  const [command] = stream.commands;
  expect(command?.status).toEqual({ code: Code.OK, message: 'OK' });
  expect(command?.command).toBe('settings');
  if (!command?.settings) throw new Error('no settings');
  return command.settings;
}

export function cluster(): ModelCluster {
  const made = new ModelCluster();
  made.topic('t');
  return made;
}
