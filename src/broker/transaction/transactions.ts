/**
 * Transactions: half messages that become messages when their producer commits, and never are seen
 * when it rolls back. docs/transactions.md says what producers and operators see; the records are drawn
 * in ../../message/transaction-records.
 *
 * The decision is the first record in log order: the committed message, which names the half message, or
 * an op record. Both of a commit are appended in one turn; a start completes a pair of which only the first
 * was written.
 */
import type { Logger } from 'pino';
import type {
  CheckOutcome,
  EndTransactionRequest,
  ListTransactionsRequest,
  PrepareRequest,
  Prepared,
  PendingTransactions,
  TakeChecksRequest,
  TransactionApi,
  TransactionCheck,
} from '../../api/transaction-api';
import type { TopicConfig } from '../../api/topic';
import { HALF_TOPIC } from '../../message/names';
import { Code, StatusError } from '../../message/status';
import {
  committedDraft,
  opDraft,
  type TransactionDecision,
  unansweredDraft,
} from '../../message/transaction-records';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import { checkedQueue, noTopic } from '../config-checks';
import type { DuplicateWindow } from '../dedup/duplicate-window';
import type { WriteWaits } from '../write-waits';
import { Checks, type CheckSettings } from './checks';
import { Decisions } from './decisions';
import { type Pending, PendingTable } from './pending';
import { checkedHalf, listPending, unknownTransaction } from './requests';
import { TransactionView } from './transaction-view';

export interface TransactionSettings extends CheckSettings {
  /** Transactions that have not ended, at most; beyond, half messages get TOO_MANY_REQUESTS. */
  readonly maxPending: number;
}

export interface TransactionParts {
  readonly store: MessageStore;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly settings: TransactionSettings;
  readonly topics: ReadonlyMap<string, TopicConfig>;
  /** Knows half messages as it knows all that producers send. */
  readonly duplicates: DuplicateWindow;
  /** Throws what a new half message is refused with. */
  readonly admit: () => void;
  /** Called when records were appended that a start would replay. */
  readonly logged: () => void;
  /** What half messages and what becomes of them wait for. */
  readonly waits: WriteWaits;
}

export class Transactions implements TransactionApi {
  readonly view: TransactionView;
  private readonly table = new PendingTable();
  private readonly decisions: Decisions;
  private readonly checks: Checks;

  constructor(private readonly parts: TransactionParts) {
    const { store, platform, logger } = parts;
    this.decisions = new Decisions(store.finder, platform.clock);
    this.checks = new Checks({
      ...{ store, platform, logger, settings: parts.settings, table: this.table },
      expire: (pending) => this.expire(pending),
    });
    this.view = new TransactionView({
      ...{ store, platform, logger, table: this.table, decisions: this.decisions },
      complete: (pending) => void this.appendOp(pending, 'commit'),
    });
  }

  /** Begins to ask about what is pending; called once, when the view was rebuilt. */
  async begin(): Promise<void> {
    await this.view.completePairs();
    for (const pending of this.table.all()) this.checks.schedule(pending);
  }

  close(): void {
    this.checks.close();
  }

  async prepare({ queueId, draft }: PrepareRequest): Promise<Prepared> {
    const { store, topics, duplicates, waits } = this.parts;
    checkedQueue(topics.get(draft.topic), draft.topic, queueId);
    const half = checkedHalf(draft, queueId);
    for (let missed: number | undefined; ;) {
      const known = this.table.get(draft.topic, half.id);
      if (known !== undefined) return this.prepared(known, known.physicalOffset + known.bytes);
      const at = duplicates.find(draft, missed);
      if (at === undefined) break;
      const first = await duplicates.resultAt(draft, at, true);
      if (first !== undefined) return first;
      checkedQueue(topics.get(draft.topic), draft.topic, queueId);
      missed = at;
    }
    const ended = this.decisions.recent(draft.topic, half.id);
    if (ended !== undefined) return this.prepared(ended, ended.endOffset);
    this.parts.admit();
    this.checkRoom();
    waits.check();
    const appended = store.append(half.draft, 0);
    duplicates.added(appended);
    const { queueOffset, physicalOffset, endOffset } = appended;
    this.grown(half.draft.byteLength, endOffset);
    const pending = this.table.put({
      ...{ topic: draft.topic, queueId, id: half.id, queueOffset, physicalOffset },
      ...{ bytes: half.draft.byteLength, tagsCode: half.draft.tagsCode },
      ...{ storedMs: appended.storeTimestamp, immunityMs: half.immunityMs },
    });
    this.checks.schedule(pending);
    await waits.durable(endOffset);
    return { queueOffset, physicalOffset };
  }

  async endTransaction(request: EndTransactionRequest): Promise<void> {
    const { topic, transactionId, resolution } = request;
    for (;;) {
      const pending = this.table.get(topic, transactionId);
      if (pending === undefined) break;
      if (pending.deciding === undefined) {
        this.parts.waits.check();
        await this.decide(pending, resolution);
        return;
      }
      // Another decision is on its way: it counts, unless it fails.
      await pending.deciding.catch(() => undefined);
    }
    await this.repeat(request);
  }

  takeChecks(
    request: TakeChecksRequest,
    signal: AbortSignal,
  ): Promise<readonly TransactionCheck[]> {
    return this.checks.take(request, signal);
  }

  async reportChecks(outcomes: readonly CheckOutcome[]): Promise<void> {
    for (const { topic, transactionId, reached } of outcomes) {
      const pending = this.table.get(topic, transactionId);
      if (pending !== undefined) this.checks.report(pending, reached);
    }
    return Promise.resolve();
  }

  listTransactions(request: ListTransactionsRequest): Promise<PendingTransactions> {
    return Promise.resolve(listPending(this.table, request));
  }

  /** How many have not ended, by topic. */
  pendingByTopic(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { topic } of this.table.all()) counts.set(topic, (counts.get(topic) ?? 0) + 1);
    return counts;
  }

  /** Rolls back what is pending on a topic that is deleted. */
  async dropTopic(topic: string): Promise<void> {
    const { timers } = this.parts.platform;
    let ended = 0;
    for (const pending of [...this.table.all()]) {
      if (pending.topic !== topic || !this.table.has(pending)) continue;
      this.appendOp(pending, 'rollback');
      if (++ended % ENDED_A_TURN === 0)
        await new Promise<void>((resolve) => timers.nextTurn(resolve));
    }
  }

  /** The answer for a half message that is repeated: where the first one lies, once that is durable. */
  private async prepared(
    { queueOffset, physicalOffset }: Prepared,
    endOffset: number,
  ): Promise<Prepared> {
    await this.parts.waits.durable(endOffset);
    return { queueOffset, physicalOffset };
  }

  private decide(pending: Pending, decision: TransactionDecision): Promise<void> {
    const deciding = (async () => {
      const endOffset = await this.append(pending, decision);
      pending.deciding = undefined;
      await this.parts.waits.durable(endOffset);
    })();
    pending.deciding = deciding;
    return deciding.finally(() => {
      pending.deciding = undefined;
    });
  }

  /** Appends a decision; answers what to wait for. */
  private async append(pending: Pending, decision: TransactionDecision): Promise<number> {
    const { store, topics } = this.parts;
    if (decision === 'rollback') return this.appendOp(pending, decision);
    const half = decision === 'commit' ? await this.read(pending) : await this.tryRead(pending);
    // From here on in one turn.
    if (decision === 'expired') {
      if (half !== undefined) store.append(unansweredDraft(half, pending.checks), 0, true);
    } else if (half !== undefined) {
      const topic = topics.get(pending.topic);
      if (topic === undefined) throw noTopic(pending.topic);
      store.append(
        committedDraft(half, topic.name, pending.physicalOffset),
        pending.queueId % topic.queues,
      );
    }
    return this.appendOp(pending, decision);
  }

  /** The op record may use the store's reserve: where the message could be appended this can be, too. */
  private appendOp(pending: Pending, decision: TransactionDecision): number {
    const { store, platform } = this.parts;
    const { topic, id, queueOffset, physicalOffset } = pending;
    const op = opDraft({ decision, topic, id }, queueOffset, platform.clock.wallMs());
    const { endOffset } = store.append(op, 0, true);
    this.grown(op.byteLength, endOffset);
    this.checks.forget(pending);
    this.table.delete(pending);
    this.decisions.add(topic, id, { decision, queueOffset, physicalOffset, endOffset });
    return endOffset;
  }

  private async expire(pending: Pending): Promise<void> {
    if (!this.table.has(pending) || pending.deciding !== undefined) return;
    const { topic, id: transactionId, checks } = pending;
    await this.decide(pending, 'expired');
    this.parts.logger.warn(
      { topic, transactionId, checks },
      'transaction rolled back: its producers were asked and none said what became of it',
    );
  }

  /** A decision about a transaction that has ended: the same one again, or one that comes too late. */
  private async repeat({ topic, transactionId, resolution }: EndTransactionRequest): Promise<void> {
    const { waits } = this.parts;
    const recent = this.decisions.recent(topic, transactionId);
    if (recent !== undefined) await waits.durable(recent.endOffset);
    const decision = recent?.decision ?? (await this.decisions.find(topic, transactionId));
    if (decision === undefined) throw unknownTransaction(topic, transactionId);
    if ((decision === 'commit') === (resolution === 'commit')) return;
    const wanted = resolution === 'commit' ? 'committed' : 'rolled back';
    throw new StatusError(
      Code.BAD_REQUEST,
      `transaction ${transactionId} of topic ${topic} ${ENDED[decision]}, it cannot be ${wanted}`,
    );
  }

  private read({ queueOffset, physicalOffset, bytes, tagsCode }: Pending): Promise<Buffer> {
    const entry = { queueOffset, physicalOffset, bytes, tagsCode };
    return Promise.resolve(this.parts.store.record(HALF_TOPIC, 0, entry));
  }

  /** `undefined` when the half message is damaged: then there is nothing to copy. */
  private async tryRead(pending: Pending): Promise<Buffer | undefined> {
    try {
      return await this.read(pending);
    } catch (err) {
      const { topic, id: transactionId } = pending;
      this.parts.logger.error({ err, topic, transactionId }, 'half message not readable');
      return undefined;
    }
  }

  private grown(bytes: number, endOffset: number): void {
    this.view.bytes += bytes;
    this.view.lastEnd = endOffset;
    this.parts.logged();
  }

  private checkRoom(): void {
    const { maxPending } = this.parts.settings;
    if (this.table.size < maxPending) return;
    throw new StatusError(
      Code.TOO_MANY_REQUESTS,
      `${this.table.size} transactions are pending, the limit is ${maxPending}`,
    );
  }
}

/** Transactions of a deleted topic that are rolled back in one turn of the event loop. */
const ENDED_A_TURN = 1000;

const ENDED: Readonly<Record<TransactionDecision, string>> = {
  commit: 'was committed',
  rollback: 'was rolled back',
  expired: 'was rolled back after its last check',
};
