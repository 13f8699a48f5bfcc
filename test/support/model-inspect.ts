import type {
  GroupTopicRef,
  InspectApi,
  LagRequest,
  TopicHolding,
  TopicLag,
  TopicStatus,
} from '../../src/api/inspect-api';
import { Code, StatusError } from '../../src/message/status';

/** What a broker of a few lines tells operators: what a test has put in, for each group and topic. */
export class ModelInspect implements InspectApi {
  readonly statuses = new Map<string, TopicStatus>();
  /** By group. */
  readonly lags = new Map<string, readonly TopicLag[]>();
  refs: readonly GroupTopicRef[] = [];
  readonly forgotten: GroupTopicRef[] = [];
  held: readonly TopicHolding[] = [];

  /** @param check throws what calls fail with */
  constructor(private readonly check: () => void) {}

  async topicStatus(topic: string): Promise<TopicStatus> {
    this.check();
    const status = this.statuses.get(topic);
    if (status === undefined) throw new StatusError(Code.TOPIC_NOT_FOUND, `no topic ${topic}`);
    return status;
  }

  async groupLag({ group, topics }: LagRequest): Promise<readonly TopicLag[]> {
    this.check();
    const lags = this.lags.get(group);
    if (lags === undefined) {
      throw new StatusError(Code.CONSUMER_GROUP_NOT_FOUND, `no group ${group}`);
    }
    return lags.filter(({ topic }) => topics.length === 0 || topics.includes(topic));
  }

  async begun(of: GroupTopicRef): Promise<readonly GroupTopicRef[]> {
    this.check();
    return this.refs.filter(
      ({ group, topic }) => [group, ''].includes(of.group) && [topic, ''].includes(of.topic),
    );
  }

  async holdings(): Promise<readonly TopicHolding[]> {
    this.check();
    return this.held;
  }

  async forget(of: GroupTopicRef): Promise<void> {
    this.check();
    this.forgotten.push(of);
  }
}
