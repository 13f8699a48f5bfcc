// long: the one class behind MessageStore, put together from its parts
/** The store put together: appends to the log, gives what became visible its entries, reads. */
import type { RecordDraft } from '../message/record-draft';
import { Code, StatusError } from '../message/status';
import { CommitLog } from './commit-log';
import type { ConsumeQueue } from './consume-queue';
import { EntryMender, readMended } from './entry-mender';
import { Finder } from './finder';
import { MessageIndex } from './index/message-index';
import { isDirectoryName } from './layout';
import type {
  Appended,
  MessageFinder,
  MessageStore,
  QueueEntry,
  RemovalPlan,
} from './message-store';
import { LogFeed } from './log-feed';
import { LogFollower } from './log-follower';
import { PendingEntries } from './pending-entries';
import { replayTopics } from './replay';
import type { BesideLog, FedPiece, LogPiece, ReplicatedLog } from './replicated-log';
import { Retention } from './retention';
import { beingDeleted, readOnly } from './store-errors';
import { warnOfDamage } from './stop-warning';
import type { StoreParts } from './store-parts';
import { StoreListeners } from './store-listeners';
import { Upkeep } from './upkeep';

/** Largest queue id: a Java int. */
const MAX_QUEUE_ID = 0x7fffffff;

type ArrivalListener = (topic: string, queueId: number, maxOffset: number) => void;

export class Store implements MessageStore, ReplicatedLog {
  readonly visited: boolean;
  private readonly commitLog: CommitLog;
  private readonly upkeep: Upkeep;
  private readonly index: MessageIndex | undefined;
  readonly finder: MessageFinder;
  private readonly mender: EntryMender;
  private readonly pending = new PendingEntries();
  private readonly follower: LogFollower;
  private readonly feed: LogFeed;
  /** Whether records come from a master; and where that one's log begins. */
  private following = false;
  private masterMin: number | undefined;
  private readonly heard: StoreListeners;
  private readonly retention: Retention | undefined;
  private readonly deleting = new Set<string>();
  /** Queues that gained entries and whose listeners were not told yet. */
  private readonly touched = new Set<ConsumeQueue>();
  private dispatchedTo: number;
  private lastPhysicalOffset: number;
  private lastStoreTimestamp: number;
  private stopped: Error | undefined;
  private closing: Promise<void> | undefined;

  constructor(private readonly parts: StoreParts) {
    const { recovered, queues } = parts;
    this.heard = new StoreListeners(parts.log);
    const { end, storeTimestamp } = recovered;
    this.visited = recovered.visited;
    this.dispatchedTo = end;
    this.lastPhysicalOffset = recovered.lastPhysicalOffset;
    this.lastStoreTimestamp = storeTimestamp;
    const onFailure = (failure: Error): void => {
      this.fail(failure);
    };
    const onVisible = (visible: number): void => {
      this.dispatch(visible);
    };
    const onProgress = (): void => {
      this.heard.progressed();
    };
    this.commitLog = new CommitLog({
      ...{ ...parts, end, storeTimestamp, onVisible, onProgress, onFailure },
    });
    this.feed = new LogFeed(this.commitLog, parts.segments);
    this.follower = this.makeFollower();
    const { indexGeometry: geometry, deleted } = parts;
    if (geometry !== undefined) {
      const isDeleted = (topic: string, physicalOffset: number): boolean =>
        physicalOffset < deleted.position(topic);
      const { commitLog } = this;
      this.index = new MessageIndex({ ...parts, geometry, commitLog, isDeleted });
    }
    const { commitLog, index } = this;
    this.finder = new Finder({ commitLog, index, queues, deleted });
    this.upkeep = new Upkeep({
      platform: parts.platform,
      layout: parts.layout,
      mark: parts.mark,
      table: parts.table,
      queues,
      commitLog: this.commitLog,
      segmentBytes: parts.segments.segmentBytes,
      queueFileEntries: parts.queueFiles.fileEntries,
      start: { position: end, totals: queues.totals },
      dispatched: () => ({
        position: this.dispatchedTo,
        lastPhysicalOffset: this.lastPhysicalOffset,
        lastStoreTimestamp: this.lastStoreTimestamp,
      }),
      indexTimestamp: () => index?.sealedTimestamp ?? 0,
      onFailure,
    });
    this.retention = this.makeRetention();
    this.mender = new EntryMender(parts, () => this.visible);
    queues.useMender(this.mender);
  }

  /** Makes what recovery has done durable, and the mark that the store is open. */
  async begin(): Promise<void> {
    await this.upkeep.run(() => this.upkeep.checkpoint());
    await this.index?.begin();
    await this.parts.disk?.look(this.commitLog.end);
    this.retention?.start();
  }

  /** Hot path. */
  append(draft: RecordDraft, queueId: number, system = false): Appended {
    if (this.stopped) throw readOnly(this.stopped);
    if (this.following) throw readOnly(new Error('it follows a master'));
    this.parts.disk?.check(this.commitLog.end, system);
    if (!system) this.checkRoom();
    const { topic, tagsCode } = draft;
    if (this.deleting.size > 0 && this.deleting.has(topic)) throw beingDeleted(topic);
    const queue = this.parts.queues.find(topic, queueId) ?? this.newQueue(topic, queueId);
    const placed = this.commitLog.append(draft, queueId, queue);
    const { physicalOffset, endOffset, storeTimestamp, inQueue } = placed;
    this.pending.push({
      queue: inQueue ? queue : undefined,
      physicalOffset,
      endOffset,
      tagsCode,
      storeTimestamp,
    });
    return placed;
  }

  written(endOffset: number): Promise<void> {
    return this.commitLog.writer.written(endOffset);
  }

  durable(endOffset: number): Promise<void> {
    return this.commitLog.writer.durable(endOffset);
  }

  synced(endOffset: number): Promise<void> {
    return this.commitLog.writer.syncTo(endOffset);
  }

  get visible(): number {
    return this.commitLog.writer.visible;
  }

  get failure(): Error | undefined {
    return this.stopped;
  }

  onRemoval(prepare: (plan: RemovalPlan) => Promise<void>): void {
    this.heard.removal.push(prepare);
  }

  onFull(listener: (reason: string | undefined) => void): void {
    this.heard.full.push(listener);
  }

  onFailure(listener: (failure: Error) => void): void {
    this.heard.failure.push(listener);
  }

  onArrival(listener: ArrivalListener): () => void {
    const { arrival } = this.heard;
    arrival.push(listener);
    return () => void arrival.splice(arrival.indexOf(listener), 1);
  }

  minOffset(topic: string, queueId: number): number {
    return this.parts.queues.find(topic, queueId)?.min ?? 0;
  }

  nextOffset(topic: string, queueId: number): number {
    return this.parts.queues.find(topic, queueId)?.next ?? 0;
  }

  maxOffset(topic: string, queueId: number): number {
    return this.parts.queues.find(topic, queueId)?.max ?? 0;
  }

  entries(
    topic: string,
    queueId: number,
    from: number,
    count: number,
  ): readonly QueueEntry[] | Promise<readonly QueueEntry[]> {
    const queue = this.parts.queues.find(topic, queueId);
    return queue === undefined ? [] : this.parts.queues.entries(queue, from, count);
  }

  record(topic: string, queueId: number, entry: QueueEntry): Buffer | Promise<Buffer> {
    const queue = this.parts.queues.find(topic, queueId);
    if (queue !== undefined) return readMended(this.commitLog, this.mender, queue, entry);
    return this.commitLog.record(topic, Buffer.from(topic, 'utf8'), queueId, entry);
  }

  async replay(
    topics: readonly string[],
    from: number,
    visit: (record: Buffer) => void,
    to = Infinity,
  ): Promise<void> {
    await replayTopics(this.parts, topics, { from, to }, visit);
  }

  async deleteTopic(topic: string): Promise<void> {
    if (this.stopped) throw readOnly(this.stopped);
    if (this.deleting.has(topic)) throw beingDeleted(topic);
    await this.deleteTopicBelow(topic, this.commitLog.end);
  }

  private async deleteTopicBelow(topic: string, position: number): Promise<void> {
    this.deleting.add(topic);
    this.parts.queues.forgetTopic(topic);
    try {
      await this.upkeep.run(async () => {
        await this.parts.deleted.add(topic, position);
        await this.parts.emptyQueues.forgetTopic(topic);
        // The mark must not count the topic's queues any more before their files go.
        await this.upkeep.checkpoint();
        await this.parts.queueFiles.removeTopic(topic);
      });
    } finally {
      this.deleting.delete(topic);
    }
  }

  get replicated(): ReplicatedLog {
    return this;
  }

  get segmentBytes(): number {
    return this.parts.segments.segmentBytes;
  }

  get minPosition(): number {
    return this.parts.segments.first;
  }

  get endPosition(): number {
    return this.commitLog.end;
  }

  get writtenPosition(): number {
    return this.commitLog.writer.writtenPosition;
  }

  get syncedPosition(): number {
    return this.commitLog.writer.synced;
  }

  get dispatchedPosition(): number {
    return this.dispatchedTo;
  }

  onFollowed(listener: (record: Buffer) => void): () => void {
    this.heard.followed.add(listener);
    return () => void this.heard.followed.delete(listener);
  }

  onProgress(listener: () => void): () => void {
    this.heard.progress.add(listener);
    return () => void this.heard.progress.delete(listener);
  }

  confirm(position: number): void {
    this.commitLog.writer.confirm(position);
  }

  abandon(reason: Error): void {
    this.commitLog.writer.abandon(reason);
  }

  follow(piece: LogPiece): void {
    if (this.stopped) throw readOnly(this.stopped);
    this.parts.disk?.check(this.commitLog.end, true);
    this.following = true;
    this.masterMin ??= this.parts.segments.first;
    this.follower.append(piece);
  }

  followMin(position: number): void {
    this.masterMin = position;
  }

  async takeOver(): Promise<void> {
    await this.commitLog.writer.syncTo(this.commitLog.end);
    await this.commitLog.writer.durable(this.commitLog.end);
    await this.follower.settled();
    if (this.stopped) throw readOnly(this.stopped);
    this.following = false;
    this.masterMin = undefined;
  }

  read(position: number, mostBytes: number): Promise<FedPiece> {
    return this.feed.read(position, this.writtenPosition, mostBytes);
  }

  besideLog(): BesideLog {
    const { queues, deleted } = this.parts;
    return { emptyQueues: queues.empty(), deletedTopics: deleted.all };
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private makeRetention(): Retention | undefined {
    const { disk, retention } = this.parts;
    if (disk === undefined || retention === undefined) return undefined;
    return new Retention({
      ...this.parts,
      disk,
      settings: retention,
      end: () => this.commitLog.end,
      masterMin: () => this.masterMin,
      settled: () => Math.min(this.commitLog.writer.synced, this.dispatchedTo),
      prepare: (plan) => this.heard.prepare(plan),
      checkpoint: () => this.upkeep.run(() => this.upkeep.checkpoint()),
      removeIndex: (below) => this.index?.deleteBelow(below) ?? Promise.resolve(),
      onFull: (reason) => this.heard.becameFull(reason),
    });
  }

  private makeFollower(): LogFollower {
    return new LogFollower({
      ...this.parts,
      commitLog: this.commitLog,
      deleteTopic: (topic, position) => this.deleteTopicBelow(topic, position),
      followed: this.heard.followed,
      dispatched: (endOffset, { physicalOffset, storeTimestamp }, queue) => {
        this.dispatchedTo = endOffset;
        this.lastPhysicalOffset = physicalOffset;
        this.lastStoreTimestamp = storeTimestamp;
        if (queue !== undefined) this.touched.add(queue);
      },
      caughtUp: (visible) => {
        this.gained(visible);
      },
      onFailure: (failure) => {
        this.fail(failure);
      },
    });
  }

  private async shutDown(): Promise<void> {
    const { layout, platform, guard, segments, queueFiles } = this.parts;
    const failure = this.stopped;
    this.stopped ??= new Error('the store is closed');
    try {
      await this.retention?.stop();
      if (failure) throw failure;
      await this.commitLog.writer.syncTo(this.commitLog.end);
      this.commitLog.writer.endConfirming();
      await this.follower.settled();
      await this.upkeep.stop();
      await this.index?.close();
      await this.upkeep.checkpoint(this.commitLog.end);
      await platform.files.remove(layout.abort);
      await platform.files.syncDirectory(layout.root);
      const damage = Math.max(this.parts.recovered.lastDamage, this.mender.lastDamage);
      warnOfDamage(this.parts.log, damage, this.commitLog.end, segments.segmentBytes);
    } finally {
      await this.upkeep.stop();
      await this.index?.close();
      await this.commitLog.writer.close();
      await segments.close();
      await queueFiles.close();
      await guard.release();
    }
  }

  private checkRoom(): void {
    const { maxUnwrittenBytes } = this.parts;
    const waiting = this.commitLog.end - this.commitLog.writer.visible;
    if (waiting < maxUnwrittenBytes) return;
    throw new StatusError(
      Code.TOO_MANY_REQUESTS,
      `${waiting} bytes wait for the disk or for replicas, the limit is ${maxUnwrittenBytes}`,
    );
  }

  private newQueue(topic: string, queueId: number): ConsumeQueue {
    if (!Number.isInteger(queueId) || queueId < 0 || queueId > MAX_QUEUE_ID) {
      throw new RangeError(`queueId ${queueId} is not in 0 .. ${MAX_QUEUE_ID}`);
    }
    if (!isDirectoryName(topic)) {
      throw new StatusError(Code.ILLEGAL_TOPIC, `topic '${topic}' cannot name a directory`);
    }
    return this.parts.queues.open(topic, queueId);
  }

  /** Gives the records below `visible` their ConsumeQueue entries and tells who listens. Hot path. */
  private dispatch(visible: number): void {
    if (this.follower.busy) {
      this.follower.dispatch(visible);
      return;
    }
    const { queues } = this.parts;
    for (let entry = this.pending.shift(visible); entry; entry = this.pending.shift(visible)) {
      const { queue, physicalOffset, endOffset } = entry;
      this.lastPhysicalOffset = physicalOffset;
      this.lastStoreTimestamp = entry.storeTimestamp;
      if (queue === undefined || queue.deleted) continue;
      queues.add(queue, physicalOffset, endOffset - physicalOffset, entry.tagsCode);
      this.touched.add(queue);
    }
    this.gained(visible);
  }

  /** All below `visible` has its entries. Hot path. */
  private gained(visible: number): void {
    this.dispatchedTo = visible;
    this.commitLog.dropTail(visible);
    this.upkeep.touch();
    this.index?.touch();
    if (this.touched.size === 0) return;
    const touched = [...this.touched];
    this.touched.clear();
    for (const queue of touched) this.heard.arrived(queue.topic, queue.queueId, queue.max);
  }

  private fail(failure: Error): void {
    if (this.stopped) return;
    this.stopped = failure;
    this.parts.log.fatal({ err: failure }, 'the store takes no more records');
    void this.retention?.stop();
    this.heard.failed(failure);
  }
}
