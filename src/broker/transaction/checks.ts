/**
 * Asking producers what became of their transactions: when, how often, through which proxy. Each question
 * that reached a live producer counts; those of one turn of the event loop are one record of the log.
 */
import type { Logger } from 'pino';
import type { TakeChecksRequest, TransactionCheck } from '../../api/transaction-api';
import { HALF_TOPIC } from '../../message/names';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import { CheckPolls } from './check-polls';
import { DueTimes } from './due-times';
import type { Pending, PendingTable } from './pending';
import { noteDraft } from './transaction-log';

export interface CheckSettings {
  /** Age before the first check, milliseconds. */
  readonly firstCheckMs: number;
  /** Between two checks, milliseconds. */
  readonly checkIntervalMs: number;
  /** Checks, at most; then the transaction is rolled back. */
  readonly maxChecks: number;
}

export interface CheckParts {
  readonly store: MessageStore;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly settings: CheckSettings;
  readonly table: PendingTable;
  /** Ends a transaction that nobody decided about. */
  readonly expire: (pending: Pending) => Promise<void>;
}

/** A proxy that does not say what became of a check for so long did not ask. */
const REPORT_MS = 5000;
/** Before a check that reached nobody is given to a proxy again. */
const UNREACHED_MS = 1000;

export class Checks {
  private readonly times: DueTimes<Pending>;
  private readonly polls: CheckPolls;
  /** Of this turn: transactions that were asked about. */
  private round: Pending[] = [];
  private readonly expiring: Pending[] = [];
  private running = false;
  private closed = false;

  constructor(private readonly parts: CheckParts) {
    const { platform } = parts;
    this.times = new DueTimes(platform, (due) => {
      for (const pending of due) this.due(pending);
    });
    this.polls = new CheckPolls(platform.timers, (pending, proxyId) => {
      pending.state = 'asked';
      pending.lastProxy = proxyId;
      this.times.add(pending, REPORT_MS);
    });
  }

  /** Lets a transaction wait for its next check. */
  schedule(pending: Pending): void {
    const { firstCheckMs, checkIntervalMs } = this.parts.settings;
    const first = pending.checks === 0;
    const waitMs = !first
      ? checkIntervalMs
      : pending.immunityMs > 0
        ? pending.immunityMs
        : firstCheckMs;
    const sinceMs =
      this.parts.platform.clock.wallMs() - (first ? pending.storedMs : pending.checkedMs);
    // A wall clock that was set back must not hold the check up.
    const delayMs = Math.min(waitMs - sinceMs, waitMs);
    pending.state = 'waiting';
    this.times.add(pending, delayMs);
  }

  /** The transaction has ended. */
  forget(pending: Pending): void {
    this.times.delete(pending);
    this.polls.delete(pending);
  }

  async take(
    request: TakeChecksRequest,
    signal: AbortSignal,
  ): Promise<readonly TransactionCheck[]> {
    const taken = await this.polls.wait(request, signal);
    const checks: TransactionCheck[] = [];
    for (const pending of taken) {
      const record = await this.read(pending);
      // Ended meanwhile, or not readable: then this round is over for it.
      if (record === undefined) this.report(pending, true);
      else if (this.parts.table.has(pending)) {
        checks.push({ topic: pending.topic, transactionId: pending.id, record });
      }
    }
    return checks;
  }

  /** A proxy says whether it could ask. */
  report(pending: Pending, reached: boolean): void {
    if (pending.state !== 'asked' || !this.parts.table.has(pending)) return;
    pending.state = 'waiting';
    if (!reached) {
      this.times.add(pending, UNREACHED_MS);
      return;
    }
    pending.checks++;
    pending.checkedMs = this.parts.platform.clock.wallMs();
    this.times.add(pending, this.parts.settings.checkIntervalMs);
    if (this.round.length === 0) this.parts.platform.timers.nextTurn(() => this.logRound());
    this.round.push(pending);
  }

  close(): void {
    this.closed = true;
    this.times.close();
    this.polls.close();
  }

  private due(pending: Pending): void {
    if (pending.checks >= this.parts.settings.maxChecks) {
      this.expiring.push(pending);
      if (!this.running) void this.expireAll();
      return;
    }
    pending.state = 'ready';
    this.polls.add(pending);
  }

  /** One after the other: each reads and copies a message. */
  private async expireAll(): Promise<void> {
    this.running = true;
    for (let next = this.expiring.shift(); next; next = this.expiring.shift()) {
      if (this.closed) break;
      try {
        await this.parts.expire(next);
      } catch (err) {
        const { topic, id: transactionId } = next;
        this.parts.logger.error({ err, topic, transactionId }, 'transaction not rolled back yet');
        if (this.parts.table.has(next)) this.times.add(next, this.parts.settings.checkIntervalMs);
      }
    }
    this.running = false;
  }

  /** Nobody waits for it: a check that a crash takes back is one more that is asked. */
  private logRound(): void {
    const { store, platform, table, logger } = this.parts;
    const rows = this.round
      .filter((pending) => table.has(pending))
      .map(({ queueOffset, checks }) => [queueOffset, checks] as const);
    this.round = [];
    if (rows.length === 0 || this.closed || store.failure !== undefined) return;
    try {
      store.append(noteDraft({ kind: 'checked', rows }, platform.clock.wallMs()), 0, true);
    } catch (err) {
      logger.error({ err, checks: rows.length }, 'checks of transactions not logged');
    }
  }

  private async read(pending: Pending): Promise<Buffer | undefined> {
    const { queueOffset, physicalOffset, bytes, tagsCode } = pending;
    try {
      const entry = { queueOffset, physicalOffset, bytes, tagsCode };
      return await this.parts.store.record(HALF_TOPIC, 0, entry);
    } catch (err) {
      const { topic, id: transactionId } = pending;
      this.parts.logger.error({ err, topic, transactionId }, 'half message not readable');
      return undefined;
    }
  }
}
