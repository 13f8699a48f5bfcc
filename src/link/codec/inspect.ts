/** How full topics are and how far groups, on the wire. */
import type {
  GroupTopicRef,
  LagRequest,
  QueueLag,
  QueueStatus,
  TopicHolding,
  TopicLag,
  TopicStatus,
} from '../../api/inspect-api';
import type {
  GroupTopicRef as WireRef,
  GroupTopicRef__Output,
} from '../../rpc/generated/gantry/v1/GroupTopicRef';
import type {
  GroupTopicRefs as WireRefs,
  GroupTopicRefs__Output,
} from '../../rpc/generated/gantry/v1/GroupTopicRefs';
import type {
  LagRequest as WireLagRequest,
  LagRequest__Output,
} from '../../rpc/generated/gantry/v1/LagRequest';
import type {
  QueueLag as WireQueueLag,
  QueueLag__Output,
} from '../../rpc/generated/gantry/v1/QueueLag';
import type {
  QueueStatus as WireQueueStatus,
  QueueStatus__Output,
} from '../../rpc/generated/gantry/v1/QueueStatus';
import type {
  TopicHoldings as WireHoldings,
  TopicHoldings__Output,
} from '../../rpc/generated/gantry/v1/TopicHoldings';
import type {
  TopicLags as WireLags,
  TopicLags__Output,
} from '../../rpc/generated/gantry/v1/TopicLags';
import type {
  TopicStatus as WireStatus,
  TopicStatus__Output,
} from '../../rpc/generated/gantry/v1/TopicStatus';
import type { Forms } from '../forms';

export const topicStatusForms: Forms<TopicStatus, WireStatus, TopicStatus__Output> = [
  ({ queues, ...rest }) => ({ ...rest, queues: queues.map(queueStatusToWire) }),
  ({ queues, ...rest }) => ({ ...rest, queues: queues.map(queueStatusFromWire) }),
];

export const lagRequestForms: Forms<LagRequest, WireLagRequest, LagRequest__Output> = [
  ({ group, topics, liteTopic = '' }) => ({ group, topics: [...topics], lite_topic: liteTopic }),
  ({ group, topics, lite_topic: liteTopic }) => ({
    ...{ group, topics },
    ...(liteTopic === '' ? {} : { liteTopic }),
  }),
];

export const topicLagsForms: Forms<readonly TopicLag[], WireLags, TopicLags__Output> = [
  (lags) => ({
    lags: lags.map(({ queues, ...rest }) => ({ ...rest, queues: queues.map(queueLagToWire) })),
  }),
  ({ lags }) =>
    lags.map(({ queues, ...rest }) => ({ ...rest, queues: queues.map(queueLagFromWire) })),
];

export const groupTopicForms: Forms<GroupTopicRef, WireRef, GroupTopicRef__Output> = [
  ({ group, topic }) => ({ group, topic }),
  ({ group, topic }) => ({ group, topic }),
];

export const groupTopicsForms: Forms<readonly GroupTopicRef[], WireRefs, GroupTopicRefs__Output> = [
  (refs) => ({ refs: refs.map(groupTopicForms[0]) }),
  ({ refs }) => refs.map(groupTopicForms[1]),
];

export const holdingsForms: Forms<readonly TopicHolding[], WireHoldings, TopicHoldings__Output> = [
  (holdings) => ({
    topics: holdings.map(({ groups, ...rest }) => ({
      ...rest,
      groups: groups.map(({ inFlight, ...group }) => ({ ...group, in_flight: inFlight })),
    })),
  }),
  ({ topics }) =>
    topics.map(({ groups, ...rest }) => ({
      ...rest,
      groups: groups.map(({ in_flight: inFlight, ...group }) => ({ ...group, inFlight })),
    })),
];

function queueStatusToWire(status: QueueStatus): WireQueueStatus {
  return {
    ...{ queue_id: status.queueId, min_offset: status.minOffset, max_offset: status.maxOffset },
    ...{ first_stored_ms: status.firstStoredMs, last_stored_ms: status.lastStoredMs },
  };
}

function queueStatusFromWire(wire: QueueStatus__Output): QueueStatus {
  return {
    ...{ queueId: wire.queue_id, minOffset: wire.min_offset, maxOffset: wire.max_offset },
    ...{ firstStoredMs: wire.first_stored_ms, lastStoredMs: wire.last_stored_ms },
  };
}

function queueLagToWire(lag: QueueLag): WireQueueLag {
  return {
    ...{ queue_id: lag.queueId, committed: lag.committed, max_offset: lag.maxOffset },
    ...{ ready: lag.ready, in_flight: lag.inFlight },
    ...{ ready_stored_ms: lag.readyStoredMs, finished_stored_ms: lag.finishedStoredMs },
  };
}

function queueLagFromWire(wire: QueueLag__Output): QueueLag {
  return {
    ...{ queueId: wire.queue_id, committed: wire.committed, maxOffset: wire.max_offset },
    ...{ ready: wire.ready, inFlight: wire.in_flight },
    ...{ readyStoredMs: wire.ready_stored_ms, finishedStoredMs: wire.finished_stored_ms },
  };
}
