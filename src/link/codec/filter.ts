/** Filter expressions on the wire. */
import type { FilterExpression } from '../../message/filter';
import type { Filter as Wire, Filter__Output } from '../../rpc/generated/gantry/v1/Filter';
import { FilterKind } from '../../rpc/generated/gantry/v1/FilterKind';
import { missing } from './missing';

export function filterToWire(filter: FilterExpression): Wire {
  return {
    kind: filter.type === 'SQL' ? FilterKind.FILTER_SQL : FilterKind.FILTER_TAG,
    expression: filter.expression,
  };
}

/** @throws RangeError when there is none. */
export function filterFromWire(wire: Filter__Output | null): FilterExpression {
  if (wire === null) throw missing('filter');
  return { type: wire.kind === FilterKind.FILTER_SQL ? 'SQL' : 'TAG', expression: wire.expression };
}
