/** How far groups of consumers are with topics that have grown, on the wire. */
import type { GroupProgress, ProgressRequest } from '../../api/broker-api';
import type {
  GroupProgress as WireProgress,
  GroupProgress__Output,
} from '../../rpc/generated/gantry/v1/GroupProgress';
import type {
  ProgressRequest as WireRequest,
  ProgressRequest__Output,
} from '../../rpc/generated/gantry/v1/ProgressRequest';
import type { Forms } from '../forms';

export const progressRequestForms: Forms<ProgressRequest, WireRequest, ProgressRequest__Output> = [
  ({ pollMs, ...request }) => ({ ...request, poll_ms: pollMs }),
  ({ group, topic, generation, poll_ms: pollMs }) => ({ group, topic, generation, pollMs }),
];

export const progressForms: Forms<GroupProgress, WireProgress, GroupProgress__Output> = [
  (progress) => progress,
  ({ finished, since }) => ({ finished, since }),
];
