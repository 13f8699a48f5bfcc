import type { AdminApi } from '../api/admin-api';
import type { GroupConfig } from '../api/topic';
import { Code, StatusError } from '../message/status';

/** @throws StatusError CONSUMER_GROUP_NOT_FOUND */
export async function existingGroup(admin: AdminApi, name: string): Promise<GroupConfig> {
  const found = (await admin.listGroups()).find((group) => group.name === name);
  if (found !== undefined) return found;
  throw new StatusError(Code.CONSUMER_GROUP_NOT_FOUND, `there is no consumer group ${name}`);
}
