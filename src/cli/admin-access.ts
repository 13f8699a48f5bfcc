/** The admin service of a proxy, as commands use it. */
import type { Client, requestCallback, ServiceError } from '@grpc/grpc-js';

import type { AdminApi } from '../api/admin-api';
import { codeFromWire } from '../link/codec/status';
import { groupFromWire, groupToWire } from '../link/codec/group';
import { topicFromWire, topicToWire } from '../link/codec/topic';
import { adminDefinition } from '../link/services';
import { StatusError } from '../message/status';
import { makeClient } from '../rpc/client';
import type { GantryAdminClient } from '../rpc/generated/gantry/v1/GantryAdmin';
import type { GroupConfigs__Output } from '../rpc/generated/gantry/v1/GroupConfigs';
import type { TopicViews__Output } from '../rpc/generated/gantry/v1/TopicViews';
import { callError } from './call-error';

/** How long a call may take, milliseconds: a change must reach every broker. */
const CALL_MS = 30_000;
const CODE_TRAILER = 'gantry-code';

/**
 * Calls `use` with the admin service at `endpoint`, and closes the connection.
 * @throws StatusError with what the proxy says, Error when nothing answers
 */
export async function withAdmin<T>(
  endpoint: string,
  use: (admin: AdminApi) => Promise<T>,
): Promise<T> {
  const client = makeClient<GantryAdminClient>(adminDefinition(), endpoint);
  try {
    return await use(adminOver(client, endpoint));
  } finally {
    client.close();
  }
}

type Call<T> = (options: { readonly deadline: Date }, callback: requestCallback<T>) => void;

function adminOver(client: Client & GantryAdminClient, endpoint: string): AdminApi {
  const call = <T>(make: Call<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      make({ deadline: new Date(Date.now() + CALL_MS) }, (error, answer) => {
        if (answer !== undefined) resolve(answer);
        else reject(refusal(error, endpoint));
      });
    });
  return {
    putTopic: async (config) => {
      const request = { topic: topicToWire(config) };
      await call((options, callback) => client.PutTopic(request, options, callback));
    },
    deleteTopic: async (name) => {
      await call((options, callback) => client.DeleteTopic({ name }, options, callback));
    },
    listTopics: async () => {
      const { topics } = await call<TopicViews__Output>((options, callback) =>
        client.ListTopics({}, options, callback),
      );
      return topics.map(({ topic, brokers }) => ({ ...topicFromWire(topic), brokers }));
    },
    putGroup: async (config) => {
      const request = { group: groupToWire(config) };
      await call((options, callback) => client.PutGroup(request, options, callback));
    },
    deleteGroup: async (name) => {
      await call((options, callback) => client.DeleteGroup({ name }, options, callback));
    },
    listGroups: async () => {
      const { groups } = await call<GroupConfigs__Output>((options, callback) =>
        client.ListGroups({}, options, callback),
      );
      return groups.map(groupFromWire);
    },
  };
}

function refusal(error: ServiceError | null, endpoint: string): Error {
  if (error === null) return new Error(`${endpoint} answered nothing`);
  const [code] = error.metadata.get(CODE_TRAILER);
  if (code === undefined) return callError(error, endpoint);
  return new StatusError(codeFromWire(Number(code)), error.details, { cause: error });
}
