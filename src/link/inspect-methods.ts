/** The methods of `InspectApi` as calls on a link. */
import type {
  GroupTopicRef,
  LagRequest,
  TopicHolding,
  TopicLag,
  TopicStatus,
} from '../api/inspect-api';
import type { GantryBrokerDefinition } from '../rpc/generated/gantry/v1/GantryBroker';
import { CONFIG_PATIENCE_MS, method, SEARCH_PATIENCE_MS, type BrokerMethod } from './broker-method';
import {
  groupTopicForms,
  groupTopicsForms,
  holdingsForms,
  lagRequestForms,
  topicLagsForms,
  topicStatusForms,
} from './codec/inspect';
import { byName, nothing } from './forms';

export interface InspectMethods {
  readonly describeTopic: BrokerMethod<string, TopicStatus>;
  readonly groupLag: BrokerMethod<LagRequest, readonly TopicLag[]>;
  readonly listBegun: BrokerMethod<GroupTopicRef, readonly GroupTopicRef[]>;
  readonly forgetGroup: BrokerMethod<GroupTopicRef, void>;
  readonly listHoldings: BrokerMethod<void, readonly TopicHolding[]>;
}

export function inspectMethods(service: GantryBrokerDefinition): InspectMethods {
  return {
    describeTopic: method('DescribeTopic', service.DescribeTopic, {
      request: byName,
      answer: topicStatusForms,
      call: ({ inspect }, topic) => inspect.topicStatus(topic),
      // The first and the last message of each queue are read.
      patienceMs: SEARCH_PATIENCE_MS,
    }),
    groupLag: method('GroupLag', service.GroupLag, {
      request: lagRequestForms,
      answer: topicLagsForms,
      call: ({ inspect }, request) => inspect.groupLag(request),
      patienceMs: SEARCH_PATIENCE_MS,
    }),
    listBegun: method('ListBegun', service.ListBegun, {
      request: groupTopicForms,
      answer: groupTopicsForms,
      call: ({ inspect }, of) => inspect.begun(of),
    }),
    forgetGroup: method('ForgetGroup', service.ForgetGroup, {
      request: groupTopicForms,
      answer: nothing,
      call: ({ inspect }, of) => inspect.forget(of),
      patienceMs: CONFIG_PATIENCE_MS,
    }),
    listHoldings: method('ListHoldings', service.ListHoldings, {
      request: nothing,
      answer: holdingsForms,
      call: ({ inspect }) => inspect.holdings(),
      patienceMs: SEARCH_PATIENCE_MS,
    }),
  };
}
