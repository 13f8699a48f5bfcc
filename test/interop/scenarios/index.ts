import { type Scenario } from '../support/scenario';
import { contentScenarios } from './content';
import { delayScenarios } from './delay';
import { fifoScenarios } from './fifo';
import { liteTopicScenarios } from './lite-topics';
import { nameScenarios } from './names';
import { priorityScenarios } from './priority';
import { pushConsumerScenarios } from './push-consumer';
import { simpleConsumerScenarios } from './simple-consumer';
import { transactionScenarios } from './transactions';

/** What is shown with every client; the rows of docs/compatibility.md, in this order. */
export const scenarios: readonly Scenario[] = [
  ...contentScenarios,
  ...simpleConsumerScenarios,
  ...pushConsumerScenarios,
  ...fifoScenarios,
  ...delayScenarios,
  ...transactionScenarios,
  ...priorityScenarios,
  ...liteTopicScenarios,
  ...nameScenarios,
];
