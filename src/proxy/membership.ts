/**
 * Brokers that join and leave: topics spread to one, go away from one, and one that is gone is not waited for any
 * more. docs/decisions says how message groups keep their order meanwhile.
 */
import type {
  DrainRequest,
  ForgetRequest,
  LeaveReport,
  LeaveRequest,
  RebalanceRequest,
  TopicMove,
  Unfinished,
} from '../api/membership-api';
import type { TopicHolding } from '../api/inspect-api';
import { hasMessageGroups } from '../api/topic';
import { leftAfter } from '../api/topic-generations';
import { isDerivedTopic, isSystemTopic } from '../message/names';
import { Code, StatusError } from '../message/status';
import type { BrokerPool } from './broker-pool';
import type { ClusterInspect } from './cluster-inspect';
import type { RouteTable, TopicRoute } from './route-table';
import type { TopicChanges } from './topic-changes';
import {
  openQueues,
  planSpread,
  planWithout,
  type PlanCluster,
  type TopicPlan,
} from './topic-plan';

interface MembershipParts {
  readonly pool: BrokerPool;
  readonly routes: RouteTable;
}

/** A topic that others hold, too. */
const STAYS = 'stays';

type Plan = (route: TopicRoute, cluster: PlanCluster) => TopicPlan | typeof STAYS | undefined;

export class Membership {
  constructor(
    private readonly parts: MembershipParts,
    private readonly changes: TopicChanges,
    private readonly inspect: Pick<ClusterInspect, 'begun'>,
  ) {}

  /** See `MembershipApi.rebalance`. */
  rebalance({ topics, brokers, dryRun }: RebalanceRequest): Promise<readonly TopicMove[]> {
    const names = topics.length > 0 ? topics : this.userTopics();
    return this.move(names, (route, cluster) => planSpread(route, brokers, cluster), dryRun);
  }

  /** See `MembershipApi.drainBroker`. */
  async drain({ broker, undo, dryRun }: DrainRequest): Promise<readonly TopicMove[]> {
    const api = this.parts.pool.get(this.checkThere(broker));
    if (undo) {
      if (!dryRun) await api.setDraining(false);
      return [];
    }
    const topics = this.userTopics().filter((name) =>
      this.parts.routes.get(name).brokers.some(({ brokerName }) => brokerName === broker),
    );
    const others = this.others(broker).masters.filter(
      ({ brokerName }) => !this.parts.routes.isDraining(brokerName),
    );
    if (others.length === 0) {
      throw new StatusError(Code.FORBIDDEN, `no other broker than ${broker} takes messages`);
    }
    const names = others.map(({ brokerName }) => brokerName);
    const isGrouped = (name: string): boolean => hasMessageGroups(this.parts.routes.get(name).type);
    const made: Plan = (route, cluster) => {
      const elsewhere = route.writable.some(({ brokerName }) => brokerName !== broker);
      return elsewhere ? STAYS : planSpread(route, names, cluster);
    };
    const leaves: Plan = (route, cluster) => planWithout(broker, route, cluster, false);
    const plain = await this.move(
      topics.filter((name) => !isGrouped(name)),
      made,
      dryRun,
    );
    if (!dryRun) await api.setDraining(true);
    const grouped = await this.move(topics.filter(isGrouped), leaves, dryRun);
    return [...plain.map((move) => withoutQueues(move, broker)), ...grouped].filter(({ brokers }) =>
      brokers.some(({ before, after }) => before !== after),
    );
  }

  /** See `MembershipApi.leaveBroker`. */
  async leave({ broker, force, dryRun }: LeaveRequest): Promise<LeaveReport> {
    const api = this.parts.pool.get(this.checkThere(broker));
    this.checkDrained(broker);
    const unfinished: Unfinished[] = [];
    for (const holding of await api.inspect.holdings()) {
      if (!isSystemTopic(holding.topic)) unfinished.push(...(await this.unfinishedOf(holding)));
    }
    if (dryRun || (unfinished.length > 0 && !force)) return { left: false, unfinished };
    await this.giveUp(broker, false);
    for (const { name } of await api.listTopics()) {
      if (!isSystemTopic(name)) await api.deleteTopic(name);
    }
    return { left: true, unfinished };
  }

  /** See `MembershipApi.forgetBroker`. */
  async forget({ broker, dryRun }: ForgetRequest): Promise<readonly TopicMove[]> {
    const refuse = (why: string): StatusError =>
      new StatusError(Code.BAD_REQUEST, `broker ${broker} is there: ${why}`);
    if (this.changes.cluster().masters.some(({ brokerName }) => brokerName === broker)) {
      throw refuse('drain it, and let it leave');
    }
    // A replica may have all that would be lost.
    if (this.parts.routes.registrations.some(({ brokerName }) => brokerName === broker)) {
      throw refuse('let a replica lead, or stop all of them');
    }
    return this.giveUp(broker, dryRun);
  }

  private giveUp(broker: string, dryRun: boolean): Promise<readonly TopicMove[]> {
    const topics = this.userTopics().filter((name) => {
      const route = this.parts.routes.find(name);
      return route !== undefined && hasMessageGroups(route.type);
    });
    return this.move(
      topics,
      (route) => planWithout(broker, route, this.others(broker), true),
      dryRun,
    );
  }

  /** Changes topics, or tells only how; those of which nothing changes are left out. */
  private async move(
    topics: readonly string[],
    plan: Plan,
    dryRun: boolean,
  ): Promise<readonly TopicMove[]> {
    const moves: TopicMove[] = [];
    for (const name of topics) {
      const moved = (cluster: PlanCluster): TopicPlan | undefined => {
        const route = this.parts.routes.get(name);
        const planned = plan(route, cluster);
        if (planned === undefined) return undefined;
        moves.push(moveOf(route, planned === STAYS ? undefined : planned));
        return planned === STAYS ? undefined : planned;
      };
      if (dryRun) moved(this.changes.cluster());
      else await this.changes.change(name, (_, cluster) => moved(cluster));
    }
    return moves;
  }

  /** What somebody may still want of a topic on a broker. */
  private async unfinishedOf(holding: TopicHolding): Promise<readonly Unfinished[]> {
    const { topic, messages, delayed, transactions } = holding;
    const begun = await this.inspect.begun({ group: '', topic });
    const groups = holding.groups.flatMap(({ group, ready, inFlight }) => [
      { topic, group, kind: 'ready' as const, messages: ready },
      { topic, group, kind: 'in-flight' as const, messages: inFlight },
    ]);
    // A group that is on the topic, but has not come to this broker, has all before it.
    const elsewhere = begun
      .filter(({ group }) => holding.groups.every((one) => one.group !== group))
      .map(({ group }) => ({ topic, group, kind: 'ready' as const, messages }));
    const unread = begun.length === 0 ? messages : 0;
    const all: Unfinished[] = [
      ...groups,
      ...elsewhere,
      { topic, group: '', kind: 'unread', messages: unread },
      { topic, group: '', kind: 'delayed', messages: delayed },
      { topic, group: '', kind: 'transactions', messages: transactions },
    ];
    return all.filter((one) => one.messages > 0);
  }

  private checkDrained(broker: string): void {
    const { routes } = this.parts;
    const refuse = (why: string): StatusError =>
      new StatusError(Code.FORBIDDEN, `broker ${broker} ${why}: drain it first`);
    if (!routes.isDraining(broker)) throw refuse('takes new messages');
    const topic = this.userTopics().find((name) => {
      const route = routes.find(name);
      if (route === undefined || !hasMessageGroups(route.type)) return false;
      if (leftAfter({ generations: route.order.known }, broker) === 0) return false;
      return planWithout(broker, route, this.others(broker), false) !== undefined;
    });
    if (topic !== undefined) {
      throw refuse(
        `has message groups of topic ${topic}, or not all brokers know that it has none`,
      );
    }
  }

  /** @throws StatusError BAD_REQUEST */
  private checkThere(broker: string): string {
    const names = this.changes.cluster().masters.map(({ brokerName }) => brokerName);
    if (names.includes(broker)) return broker;
    throw new StatusError(
      Code.BAD_REQUEST,
      `broker ${broker} is not there; those that are: ${names.join(', ')}`,
    );
  }

  private others(broker: string): PlanCluster {
    const { masters, isDraining } = this.changes.cluster();
    return { masters: masters.filter(({ brokerName }) => brokerName !== broker), isDraining };
  }

  /** Those that users make; retry and dead letter topics come into being where they are needed. */
  private userTopics(): readonly string[] {
    return this.parts.routes
      .topicNames()
      .filter((name) => !isSystemTopic(name) && !isDerivedTopic(name));
  }
}

/** The same, but that one broker has no queues any more. */
function withoutQueues(move: TopicMove, broker: string): TopicMove {
  const brokers = move.brokers.map((one) => (one.broker === broker ? { ...one, after: 0 } : one));
  return { ...move, brokers };
}

/** @param plan `undefined`: nothing changes */
function moveOf(route: TopicRoute, plan: TopicPlan | undefined): TopicMove {
  const { name: topic, type } = route;
  const now = route.writable.map(({ brokerName, queues }) => [brokerName, queues] as const);
  const grouped = hasMessageGroups(type);
  const before = grouped ? openQueues(route.order.known) : new Map(now);
  const after = grouped
    ? openQueues(plan?.config.generations ?? route.order.known)
    : new Map([
        ...now,
        ...(plan?.fresh ?? []).map(({ brokerName }) => [brokerName, plan?.config.queues] as const),
      ]);
  const brokers = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return {
    ...{ topic, type },
    brokers: brokers.map((broker) => ({
      ...{ broker, before: before.get(broker) ?? 0, after: after.get(broker) ?? 0 },
    })),
  };
}
