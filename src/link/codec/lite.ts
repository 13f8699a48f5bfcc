/** Subscriptions of lite topics on the wire. */
import type { LiteStart, SyncLiteRequest } from '../../api/lite-api';
import { LiteChange } from '../../rpc/generated/gantry/v1/LiteChange';
import type {
  SyncLiteCall,
  SyncLiteCall__Output,
} from '../../rpc/generated/gantry/v1/SyncLiteCall';
import type {
  SyncLiteResult,
  SyncLiteResult__Output,
} from '../../rpc/generated/gantry/v1/SyncLiteResult';
import type { Forms } from '../forms';
import { placeFromWire, placeToWire } from './offset';

const CHANGES = {
  add: LiteChange.LITE_ADD,
  remove: LiteChange.LITE_REMOVE,
  set: LiteChange.LITE_SET,
} as const;

export const syncLiteForms: Forms<SyncLiteRequest, SyncLiteCall, SyncLiteCall__Output> = [
  ({ group, topic, clientId, change, liteTopics, start }) => ({
    ...{ group, topic, client_id: clientId, change: CHANGES[change] },
    lite_topics: [...liteTopics],
    ...startToWire(start),
  }),
  (wire) => {
    const start = startFromWire(wire);
    return {
      ...{ group: wire.group, topic: wire.topic, clientId: wire.client_id },
      ...{ change: changeOf(wire), liteTopics: wire.lite_topics },
      ...(start === undefined ? undefined : { start }),
    };
  },
];

export const removedForms: Forms<readonly string[], SyncLiteResult, SyncLiteResult__Output> = [
  (removed) => ({ removed: [...removed] }),
  ({ removed }) => removed,
];

/** @throws RangeError when it is of an unknown kind */
function changeOf({ change }: SyncLiteCall__Output): SyncLiteRequest['change'] {
  for (const name of ['add', 'remove', 'set'] as const) if (CHANGES[name] === change) return name;
  throw new RangeError(`a change of an unknown kind: ${String(change)}`);
}

function startToWire(start: LiteStart | undefined): Partial<SyncLiteCall> {
  if (start === undefined) return {};
  return start.at === 'tail'
    ? { has_tail: true, tail: start.count }
    : { start: placeToWire(start) };
}

function startFromWire(wire: SyncLiteCall__Output): LiteStart | undefined {
  if (wire.has_tail) return { at: 'tail', count: wire.tail };
  return wire.start === null ? undefined : placeFromWire(wire.start);
}
