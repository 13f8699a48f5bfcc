/** The progress of consumer groups, for clients that keep their own and for operators. */
import type {
  GroupQueueRef,
  OffsetApi,
  PullRequest,
  PullResult,
  QueryOffsetRequest,
  QueueRef,
  QueueReset,
  ResetRequest,
  UpdateOffsetRequest,
} from '../../api/offset-api';
import type { TopicConfig } from '../../api/topic';
import { Code, StatusError } from '../../message/status';
import { checkedQueue, noGroup } from '../config-checks';
import type { GroupTopic } from '../pop/group-topic';
import type { RunningPops } from '../pop/running-pops';
import { Pulls, type PullParts } from './pulls';
import { Resets, type ResetParts } from './resets';

export interface OffsetParts extends PullParts, ResetParts {
  readonly topics: ReadonlyMap<string, TopicConfig>;
  readonly groups: ReadonlyMap<string, unknown>;
  /** Pulls and receives under way, by client. */
  readonly running: RunningPops;
  /**
   * The group on the topic, made and begun where it is not.
   * @throws StatusError CONSUMER_GROUP_NOT_FOUND
   */
  readonly begun: (group: string, topic: string, clientId: string) => Promise<GroupTopic>;
}

export class Offsets implements OffsetApi {
  private readonly pulls: Pulls;
  private readonly resets: Resets;

  constructor(private readonly parts: OffsetParts) {
    this.pulls = new Pulls(parts);
    this.resets = new Resets(parts);
  }

  async pull(request: PullRequest, caller: AbortSignal): Promise<PullResult | undefined> {
    this.checkQueue(request);
    return this.parts.running.run(request.clientId, caller, (signal) =>
      this.pulls.pull(request, signal),
    );
  }

  async get(request: GroupQueueRef): Promise<number> {
    this.checkQueue(request);
    const ledgers = this.find(request.group, request.topic);
    return Promise.resolve(ledgers.queues.get(request.queueId)?.committed ?? 0);
  }

  async update(request: UpdateOffsetRequest): Promise<void> {
    const { book, log, store, begun, becameReady } = this.parts;
    const { group, topic, queueId, offset, clientId } = request;
    this.checkQueue(request);
    const max = store.maxOffset(topic, queueId);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > max) {
      throw new StatusError(
        Code.ILLEGAL_OFFSET,
        `offset ${offset} is not in 0 .. ${max} of queue ${queueId} of topic ${topic}`,
      );
    }
    const ledgers = await begun(group, topic, clientId);
    const ledger = book.queue(ledgers, queueId);
    if (offset < ledger.committed) {
      this.resets.move(ledgers, queueId, offset);
    } else if (offset > ledger.committed) {
      book.expire(ledger, offset);
      log.add({ kind: 'expire', group, topic, queueId, min: offset });
    }
    await log.durable();
    becameReady(ledgers);
  }

  async query({ topic, queueId, policy }: QueryOffsetRequest): Promise<number> {
    const { store } = this.parts;
    this.checkQueue({ topic, queueId });
    if (policy.at === 'beginning') return store.minOffset(topic, queueId);
    if (policy.at === 'end') return store.maxOffset(topic, queueId);
    return store.finder.offsetByTime(topic, queueId, policy.timeMs, 'lower');
  }

  async reset(request: ResetRequest): Promise<readonly QueueReset[]> {
    const { group, topic, queueId } = request;
    const { queues } = checkedQueue(this.parts.topics.get(topic), topic, queueId ?? 0);
    if (!this.parts.groups.has(group)) throw noGroup(group);
    const ledgers = this.find(group, topic);
    const queueIds =
      queueId === undefined ? Array.from({ length: queues }, (_, id) => id) : [queueId];
    return this.resets.reset(ledgers, queueIds, request);
  }

  /** Fails the pulls that wait on a topic that is deleted. */
  endPulls(topic: string, error: StatusError): void {
    this.pulls.endWaits(topic, error);
  }

  /** Fails all pulls that wait. */
  close(error: StatusError): void {
    this.pulls.close(error);
  }

  private find(group: string, topic: string): GroupTopic {
    const ledgers = this.parts.book.find(group, topic);
    if (ledgers !== undefined) return ledgers;
    throw new StatusError(
      Code.OFFSET_NOT_FOUND,
      `group ${group} has no offset on topic ${topic}: it has not begun there`,
    );
  }

  private checkQueue({ topic, queueId }: QueueRef): void {
    checkedQueue(this.parts.topics.get(topic), topic, queueId);
  }
}
