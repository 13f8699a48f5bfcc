/** Consumer groups on the wire. */
import type { BackoffPolicy, GroupConfig } from '../../api/topic';
import type {
  GroupConfig as Wire,
  GroupConfig__Output,
} from '../../rpc/generated/gantry/v1/GroupConfig';
import { StartFrom } from '../../rpc/generated/gantry/v1/StartFrom';
import { missing } from './missing';

export function groupToWire(group: GroupConfig): Wire {
  return {
    name: group.name,
    fifo: group.fifo,
    max_attempts: group.maxAttempts,
    lite_topic: group.liteTopic ?? '',
    lite_quota: group.liteQuota ?? 0,
    start_from:
      group.startFrom === 'end' ? StartFrom.START_FROM_END : StartFrom.START_FROM_BEGINNING,
    ...backoffToWire(group.backoff),
  };
}

/** @throws RangeError when there is none, or it has no backoff. */
export function groupFromWire(wire: GroupConfig__Output | null): GroupConfig {
  if (wire === null) throw missing('group');
  return {
    name: wire.name,
    fifo: wire.fifo,
    maxAttempts: wire.max_attempts,
    backoff: backoffFromWire(wire),
    ...(wire.lite_topic === '' ? {} : { liteTopic: wire.lite_topic }),
    ...(wire.lite_quota === 0 ? {} : { liteQuota: wire.lite_quota }),
    startFrom: wire.start_from === StartFrom.START_FROM_BEGINNING ? 'beginning' : 'end',
  };
}

function backoffToWire(policy: BackoffPolicy): Pick<Wire, 'exponential' | 'customized'> {
  switch (policy.kind) {
    case 'exponential':
      return {
        exponential: {
          initial_ms: policy.initialMs,
          max_ms: policy.maxMs,
          multiplier: policy.multiplier,
        },
      };
    case 'customized':
      return { customized: { next_ms: [...policy.nextMs] } };
  }
}

function backoffFromWire({ exponential, customized }: GroupConfig__Output): BackoffPolicy {
  if (exponential !== undefined && exponential !== null) {
    const { initial_ms: initialMs, max_ms: maxMs, multiplier } = exponential;
    return { kind: 'exponential', initialMs, maxMs, multiplier };
  }
  if (customized !== undefined && customized !== null) {
    return { kind: 'customized', nextMs: customized.next_ms };
  }
  throw missing('backoff');
}
