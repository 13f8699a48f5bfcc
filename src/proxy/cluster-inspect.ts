/** How full topics are and how far groups of consumers, over all masters. */
import type { GroupTopicRef, LagRequest, TopicLag } from '../api/inspect-api';
import type { TopicDetails } from '../api/admin-api';
import { Code } from '../message/status';
import type { BrokerPool } from './broker-pool';
import { askHolders, askMasters } from './masters';
import type { RouteTable } from './route-table';

interface InspectParts {
  readonly pool: BrokerPool;
  readonly routes: RouteTable;
}

export class ClusterInspect {
  constructor(private readonly parts: InspectParts) {}

  /** @throws StatusError TOPIC_NOT_FOUND, PROXY_TIMEOUT */
  async topicStatus(name: string): Promise<TopicDetails> {
    const { pool, routes } = this.parts;
    const { type, brokers: holders } = routes.get(name);
    const brokers = await Promise.all(
      holders.map(({ brokerName }) => pool.get(brokerName).inspect.topicStatus(name)),
    );
    const groups = await this.begun({ group: '', topic: name });
    return { name, type, brokers, groups: groups.map(({ group }) => group) };
  }

  /** @throws StatusError CONSUMER_GROUP_NOT_FOUND, BAD_REQUEST, PROXY_TIMEOUT */
  async groupLag(request: LagRequest): Promise<readonly TopicLag[]> {
    const { pool } = this.parts;
    const answers = await askHolders(pool, Code.CONSUMER_GROUP_NOT_FOUND, (broker) =>
      broker.inspect.groupLag(request),
    );
    return answers.flat().toSorted((a, b) => order(a.topic, b.topic) || order(a.broker, b.broker));
  }

  /** Each pair once, sorted by group and topic. */
  async begun(of: GroupTopicRef): Promise<readonly GroupTopicRef[]> {
    const answers = await askMasters(this.parts.pool, (broker) => broker.inspect.begun(of));
    const pairs = new Map<string, GroupTopicRef>();
    for (const ref of answers.flatMap(([, refs]) => refs)) {
      pairs.set(`${ref.group} ${ref.topic}`, ref);
    }
    return [...pairs.values()].toSorted(
      (a, b) => order(a.group, b.group) || order(a.topic, b.topic),
    );
  }

  /** @throws StatusError OFFSET_NOT_FOUND (the group has begun on no broker), PROXY_TIMEOUT */
  async forget(of: GroupTopicRef): Promise<void> {
    await askHolders(this.parts.pool, Code.OFFSET_NOT_FOUND, (broker) => broker.inspect.forget(of));
  }
}

function order(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
