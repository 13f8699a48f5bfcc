/** The progress of consumer groups on the wire; pulled records travel as the store's bytes. */
import type {
  GroupQueueRef,
  GroupReset,
  PullRequest,
  PullResult,
  QueryOffsetRequest,
  QueueReset,
  ResetRequest,
  ResetTarget,
  UpdateOffsetRequest,
} from '../../api/offset-api';
import type { GroupQueue, GroupQueue__Output } from '../../rpc/generated/gantry/v1/GroupQueue';
import type { OffsetPlace, OffsetPlace__Output } from '../../rpc/generated/gantry/v1/OffsetPlace';
import type { OffsetValue, OffsetValue__Output } from '../../rpc/generated/gantry/v1/OffsetValue';
import type {
  PullRequest as WirePull,
  PullRequest__Output,
} from '../../rpc/generated/gantry/v1/PullRequest';
import type {
  PullResult as WireResult,
  PullResult__Output,
} from '../../rpc/generated/gantry/v1/PullResult';
import type {
  QueryOffsetCall,
  QueryOffsetCall__Output,
} from '../../rpc/generated/gantry/v1/QueryOffsetCall';
import type { QueueResets, QueueResets__Output } from '../../rpc/generated/gantry/v1/QueueResets';
import type {
  ResetRequest as WireReset,
  ResetRequest__Output,
} from '../../rpc/generated/gantry/v1/ResetRequest';
import type {
  UpdateOffsetCall,
  UpdateOffsetCall__Output,
} from '../../rpc/generated/gantry/v1/UpdateOffsetCall';
import { OffsetPlaceKind } from '../../rpc/generated/gantry/v1/OffsetPlaceKind';
import type { Forms } from '../forms';
import { filterFromWire, filterToWire } from './filter';
import { missing } from './missing';

export const pullForms: Forms<PullRequest, WirePull, PullRequest__Output> = [
  (request) => ({
    ...{ group: request.group, topic: request.topic, queue_id: request.queueId },
    ...{ client_id: request.clientId, offset: request.offset },
    filter: filterToWire(request.filter),
    ...{ max_messages: request.maxMessages, poll_ms: Math.ceil(request.pollMs) },
  }),
  (wire) => ({
    ...{ group: wire.group, topic: wire.topic, queueId: wire.queue_id },
    ...{ clientId: wire.client_id, offset: wire.offset },
    filter: filterFromWire(wire.filter),
    ...{ maxMessages: wire.max_messages, pollMs: wire.poll_ms },
  }),
];

/** Hot path. */
export const pullResultForms: Forms<PullResult | undefined, WireResult, PullResult__Output> = [
  (result) =>
    result === undefined
      ? { stopped: true }
      : { records: [...result.records], next_offset: result.nextOffset, illegal: result.illegal },
  ({ stopped, records, next_offset: nextOffset, illegal }) =>
    stopped ? undefined : { records, nextOffset, illegal },
];

export const groupQueueForms: Forms<GroupQueueRef, GroupQueue, GroupQueue__Output> = [
  ({ group, topic, queueId }) => ({ group, topic, queue_id: queueId }),
  ({ group, topic, queue_id: queueId }) => ({ group, topic, queueId }),
];

export const offsetForms: Forms<number, OffsetValue, OffsetValue__Output> = [
  (offset) => ({ offset }),
  ({ offset }) => offset,
];

export const updateForms: Forms<UpdateOffsetRequest, UpdateOffsetCall, UpdateOffsetCall__Output> = [
  ({ group, topic, queueId, clientId, offset }) => ({
    ...{ group, topic, queue_id: queueId, client_id: clientId, offset },
  }),
  ({ group, topic, queue_id: queueId, client_id: clientId, offset }) => ({
    ...{ group, topic, queueId, clientId, offset },
  }),
];

export const queryForms: Forms<QueryOffsetRequest, QueryOffsetCall, QueryOffsetCall__Output> = [
  ({ topic, queueId, policy }) => ({ topic, queue_id: queueId, place: placeToWire(policy) }),
  ({ topic, queue_id: queueId, place }) => {
    const policy = placeFromWire(place);
    if (policy.at === 'offset') throw new RangeError('an offset is asked for by its number');
    return { topic, queueId, policy };
  },
];

export const resetForms: Forms<ResetRequest, WireReset, ResetRequest__Output> = [
  ({ group, topic, queueId, to, dryRun }) => ({
    ...{ group, topic, one_queue: queueId !== undefined, queue_id: queueId ?? 0 },
    ...{ to: placeToWire(to), dry_run: dryRun },
  }),
  (wire) => ({
    ...{ group: wire.group, topic: wire.topic },
    queueId: wire.one_queue ? wire.queue_id : undefined,
    ...{ to: placeFromWire(wire.to), dryRun: wire.dry_run },
  }),
];

export const groupResetForms: Forms<GroupReset, WireReset, ResetRequest__Output> = [
  ({ broker, ...request }) => ({ ...resetForms[0](request), broker }),
  (wire) => ({ ...resetForms[1](wire), broker: wire.broker }),
];

export const queueResetsForms: Forms<readonly QueueReset[], QueueResets, QueueResets__Output> = [
  (resets) => ({
    resets: resets.map(({ queueId, ...rest }) => ({ queue_id: queueId, ...rest })),
  }),
  (wire) => wire.resets.map(({ queue_id: queueId, ...rest }) => ({ queueId, ...rest })),
];

export function placeToWire(place: ResetTarget): OffsetPlace {
  switch (place.at) {
    case 'beginning':
      return { kind: OffsetPlaceKind.BEGINNING };
    case 'end':
      return { kind: OffsetPlaceKind.END };
    case 'time':
      return { kind: OffsetPlaceKind.TIME, value: place.timeMs };
    case 'offset':
      return { kind: OffsetPlaceKind.OFFSET, value: place.offset };
  }
}

/** @throws RangeError when it is absent or of an unknown kind */
export function placeFromWire(wire: OffsetPlace__Output | null): ResetTarget {
  if (wire === null) throw missing('place');
  const { kind, value } = wire;
  switch (kind) {
    case OffsetPlaceKind.BEGINNING:
      return { at: 'beginning' };
    case OffsetPlaceKind.END:
      return { at: 'end' };
    case OffsetPlaceKind.TIME:
      return { at: 'time', timeMs: value };
    case OffsetPlaceKind.OFFSET:
      return { at: 'offset', offset: value };
    default:
      throw new RangeError('an offset of an unknown kind');
  }
}
