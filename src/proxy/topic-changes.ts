/** Changes of topics on several brokers, in the order that a plan says, one after the other for each topic. */
import type { BrokerPool, PooledBroker } from './broker-pool';
import type { ClusterInspect } from './cluster-inspect';
import { mastersOf, tellAll } from './masters';
import type { RouteTable, TopicRoute } from './route-table';
import type { TopicCreation } from './topic-creation';
import type { PlanCluster, TopicPlan } from './topic-plan';

/** Groups that are put on a broker together. */
const GROUPS_AT_ONCE = 100;

interface ChangeParts {
  readonly pool: BrokerPool;
  readonly routes: RouteTable;
  readonly creation: TopicCreation;
  readonly inspect: Pick<ClusterInspect, 'begun'>;
}

export class TopicChanges {
  constructor(private readonly parts: ChangeParts) {}

  /** @throws StatusError PROXY_TIMEOUT when no broker is known */
  cluster(): PlanCluster {
    const { pool, routes } = this.parts;
    return { masters: mastersOf(pool), isDraining: (brokerName) => routes.isDraining(brokerName) };
  }

  /** Does what `plan` says of the topic as it is when its turn comes; nothing for `undefined`. */
  change(
    topic: string,
    plan: (route: TopicRoute | undefined, cluster: PlanCluster) => TopicPlan | undefined,
  ): Promise<void> {
    return this.parts.creation.exclusive(topic, async () => {
      const route = this.parts.routes.find(topic);
      const planned = plan(route, this.cluster());
      if (planned === undefined) return;
      await this.copyGroups(planned.fresh, route?.brokers[0]?.brokerName);
      const { config, fresh, steps } = planned;
      const groups = route !== undefined && fresh.length > 0 ? await this.groupsOn(route) : [];
      for (const step of steps) {
        // Those that are new are told together.
        const follow = step === steps[0] ? groups : [];
        await tellAll(step, `topic ${topic}`, (broker) => broker.putTopic(config, follow));
      }
    });
  }

  /** Consumer groups on a topic, which go on where it lies from now on; on a lite topic a group begins when it asks for it. */
  private async groupsOn({ name, type }: TopicRoute): Promise<readonly string[]> {
    if (type === 'LITE') return [];
    const begun = await this.parts.inspect.begun({ group: '', topic: name });
    return begun.map(({ group }) => group);
  }

  /** Consumer groups that the broker `from` has, on brokers that are to hold a topic of theirs. */
  private async copyGroups(to: readonly PooledBroker[], from: string | undefined): Promise<void> {
    if (to.length === 0 || from === undefined) return;
    const groups = await this.parts.pool.get(from).listGroups();
    for (const { broker } of to) {
      const known = new Set((await broker.listGroups()).map(({ name }) => name));
      const missing = groups.filter(({ name }) => !known.has(name));
      for (let i = 0; i < missing.length; i += GROUPS_AT_ONCE) {
        const part = missing.slice(i, i + GROUPS_AT_ONCE);
        await Promise.all(part.map((group) => broker.putGroup(group)));
      }
    }
  }
}
