import type { BrokerApi, EntryStatus, PopRequest, PopResult } from '../../src/api/broker-api';
import type { GroupConfig, TopicConfig } from '../../src/api/topic';
import { groupConfig } from './model-broker';
import { type GroupOptions, ReplicaGroup, type TestReplica } from './replica-group';
import { idsOf, popRequest } from './test-broker';

const ALL = { type: 'TAG', expression: '*' } as const;

/** How long a master is away before its replica stands in, ms. */
export const STAND_IN_MS = 5000;

/** A master and its replica that stands in for it; topic `t` of one queue, and group `g` that is on it from the beginning. */
export class StandInScene {
  private epoch = 1;

  private constructor(
    readonly group: ReplicaGroup,
    public master: TestReplica,
    public replica: TestReplica,
  ) {}

  static async start(options: GroupOptions = {}): Promise<StandInScene> {
    const group = new ReplicaGroup({ standInMs: STAND_IN_MS, ...options });
    const [master, replica] = await group.masterAndReplica();
    const scene = new StandInScene(group, master, replica);
    await scene.topic({ name: 't', type: 'NORMAL', queues: 1 });
    await scene.consumers(groupConfig('g', { startFrom: 'beginning' }), 't');
    return scene;
  }

  async topic(config: TopicConfig): Promise<void> {
    await this.group.drive(this.master.broker.putTopic(config));
  }

  /** A group that has begun on a topic. */
  async consumers(config: GroupConfig, topic: string): Promise<void> {
    const { broker } = this.master;
    await this.group.drive(broker.putGroup(config));
    const subscriptions = [{ topic, filter: ALL }];
    const client = { clientId: 'client-1', fifoIfNew: false };
    await this.group.drive(broker.subscribe({ group: config.name, subscriptions, ...client }));
  }

  async send(...ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.group.send(this.master, 't', id);
  }

  /** As `kill -9`; resolves when the replica stands in. */
  async loseMaster(): Promise<BrokerApi> {
    // What the master has sent last is known to be confirmed.
    await this.group.sim.advance(1500);
    this.group.kill(0);
    await this.standsIn();
    return this.replica.standIn;
  }

  async standsIn(): Promise<void> {
    await this.group.until(() => this.group.standIns.has(1));
  }

  /** Starts the master on what its disk has; resolves when it serves. */
  async startMaster(): Promise<void> {
    this.master = await this.group.start(0);
    this.epoch += 1;
    await this.group.drive(this.master.host.lead(this.epoch, [0]));
  }

  /** The master is back, and has all that the replica did. */
  async returnMaster(): Promise<void> {
    await this.startMaster();
    await this.group.until(() => !this.group.standIns.has(1));
    await this.group.inSync(this.master, 2);
  }

  /** The replica's process is killed, and another one follows the same master. */
  async restartReplica(): Promise<void> {
    this.group.kill(1);
    this.group.standIns.clear();
    this.replica = await this.group.start(1);
    await this.group.drive(this.replica.host.follow({ replicaId: 0, address: 'host:0' }, 0));
  }

  receive(from: BrokerApi, changes: Partial<PopRequest> = {}): Promise<PopResult> {
    const request = { ...popRequest('g', 't'), ...changes };
    return this.group.drive(from.pop(request, new AbortController().signal));
  }

  async received(from: BrokerApi, changes: Partial<PopRequest> = {}): Promise<readonly string[]> {
    return idsOf(await this.receive(from, changes));
  }

  ack(at: BrokerApi, messages: PopResult): Promise<readonly EntryStatus[]> {
    const entries = messages.map(({ receiptHandle }) => ({ receiptHandle, messageId: '' }));
    return this.group.drive(at.ack({ group: 'g', topic: 't', entries }));
  }
}
