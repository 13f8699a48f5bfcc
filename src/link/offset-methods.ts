/** The methods of `OffsetApi` as calls on a link. */
import type {
  GroupQueueRef,
  PullRequest,
  PullResult,
  QueryOffsetRequest,
  QueueReset,
  ResetRequest,
  UpdateOffsetRequest,
} from '../api/offset-api';
import type { GantryBrokerDefinition } from '../rpc/generated/gantry/v1/GantryBroker';
import {
  CONFIG_PATIENCE_MS,
  method,
  POP_PATIENCE_MS,
  SEARCH_PATIENCE_MS,
  type BrokerMethod,
} from './broker-method';
import * as offset from './codec/offset';
import { nothing } from './forms';

export interface OffsetMethods {
  readonly pull: BrokerMethod<PullRequest, PullResult | undefined>;
  readonly getOffset: BrokerMethod<GroupQueueRef, number>;
  readonly updateOffset: BrokerMethod<UpdateOffsetRequest, void>;
  readonly queryOffset: BrokerMethod<QueryOffsetRequest, number>;
  readonly resetOffset: BrokerMethod<ResetRequest, readonly QueueReset[]>;
}

export function offsetMethods(service: GantryBrokerDefinition): OffsetMethods {
  return {
    pull: method('Pull', service.Pull, {
      request: offset.pullForms,
      answer: offset.pullResultForms,
      call: ({ offsets }, request, signal) => offsets.pull(request, signal),
      patienceMs: POP_PATIENCE_MS,
      // Nothing was taken, so nothing is to be given back.
      parking: {
        stopped: undefined,
        isNothing: (result) => result === undefined,
        giveBack: () => Promise.resolve(),
      },
    }),
    getOffset: method('GetOffset', service.GetOffset, {
      request: offset.groupQueueForms,
      answer: offset.offsetForms,
      call: ({ offsets }, request) => offsets.get(request),
    }),
    updateOffset: method('UpdateOffset', service.UpdateOffset, {
      request: offset.updateForms,
      answer: nothing,
      call: ({ offsets }, request) => offsets.update(request),
    }),
    queryOffset: method('QueryOffset', service.QueryOffset, {
      request: offset.queryForms,
      answer: offset.offsetForms,
      call: ({ offsets }, request) => offsets.query(request),
      // By time the log is searched.
      patienceMs: SEARCH_PATIENCE_MS,
    }),
    resetOffset: method('ResetOffset', service.ResetOffset, {
      request: offset.resetForms,
      answer: offset.queueResetsForms,
      call: ({ offsets }, request) => offsets.reset(request),
      patienceMs: CONFIG_PATIENCE_MS,
    }),
  };
}
