/** What filters could not evaluate, on the wire. */
import type { FilterFault } from '../../api/broker-api';
import type {
  FilterFault as Wire,
  FilterFault__Output,
} from '../../rpc/generated/gantry/v1/FilterFault';

export function faultToWire(fault: FilterFault): Wire {
  return {
    group: fault.group,
    topic: fault.topic,
    faults: fault.faults,
    last_fault: fault.lastFault,
    last_queue_id: fault.lastQueueId,
    last_offset: fault.lastOffset,
    last_wall_ms: fault.lastWallMs,
  };
}

export function faultFromWire(wire: FilterFault__Output): FilterFault {
  return {
    group: wire.group,
    topic: wire.topic,
    faults: wire.faults,
    lastFault: wire.last_fault,
    lastQueueId: wire.last_queue_id,
    lastOffset: wire.last_offset,
    lastWallMs: wire.last_wall_ms,
  };
}
