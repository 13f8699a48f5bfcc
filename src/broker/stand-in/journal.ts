/**
 * The journal of a replica that stands in for its master: deliveries and acknowledgements, in a file beside the log.
 * One write at a time takes all that gathered, and one sync answers for all who wait for it. The first error ends it.
 */
import { dirname } from 'node:path';
import { Code, StatusError } from '../../message/status';
import { errorText } from '../../platform/error-text';
import type { FileHandle, Platform } from '../../platform/platform';
import { PositionWaiters } from '../../store/waiters';
import { decodeLedgerOps } from '../pop/ledger-op-reader';
import type { LedgerOp, QueueRef } from '../pop/ledger-ops';
import type { LedgerSink } from '../pop/ledger-sink';
import {
  endOfEntries,
  generationEntry,
  type JournalEntry,
  opsEntry,
  type QueueGeneration,
  readEntries,
} from './journal-entry';
import { servesReads } from './refusals';

/** In `gantry/`. */
export const JOURNAL_FILE = 'stand-in.journal';
/** A journal that has grown beyond takes no more, bytes: it is read as a whole when it is handed over. */
const MOST_BYTES = 256 * 1024 * 1024;

export interface JournalParts {
  readonly path: string;
  readonly platform: Pick<Platform, 'clock' | 'files'>;
  readonly brokerName: string;
  /** Of the ledger of a queue. */
  readonly generationOf: (queue: QueueRef) => number;
  /** Default: 256 MiB. */
  readonly mostBytes?: number;
}

/** The whole entries of a journal; none without one. */
export async function readJournal(
  files: Platform['files'],
  path: string,
): Promise<Iterable<JournalEntry>> {
  const bytes = await files.readFile(path);
  return bytes === undefined ? [] : readEntries(bytes);
}

export class StandInJournal implements LedgerSink {
  private pending: Buffer[] = [];
  private end: number;
  private writtenTo: number;
  private syncedTo: number;
  private busy = false;
  private running: Promise<void> = Promise.resolve();
  private broken: StatusError | undefined;
  private readonly writtenWaiters = new PositionWaiters();
  private readonly syncedWaiters = new PositionWaiters();
  private readonly noted = new Set<string>();

  private constructor(
    private readonly parts: JournalParts,
    private readonly handle: FileHandle,
    end: number,
  ) {
    this.end = this.writtenTo = this.syncedTo = end;
  }

  /** Opens the journal, made where there is none; what was not written to its end is cut off. */
  static async open(parts: JournalParts): Promise<StandInJournal> {
    const { path, platform } = parts;
    const { files } = platform;
    const found = (await files.readFile(path)) ?? Buffer.alloc(0);
    const end = endOfEntries(found);
    const handle = await files.open(path, 'create');
    try {
      await handle.truncate(end);
      await handle.datasync();
      await files.syncDirectory(dirname(path));
    } catch (error) {
      await handle.close();
      throw error;
    }
    const journal = new StandInJournal(parts, handle, end);
    for (const entry of readEntries(found)) {
      if (entry.kind === 'generation') journal.noted.add(keyOf(entry.of));
    }
    return journal;
  }

  /** Why it takes nothing more; `undefined` while it does. */
  get failure(): StatusError | undefined {
    return this.broken;
  }

  put(body: Buffer): { readonly end: number; readonly bytes: number } {
    const { mostBytes = MOST_BYTES, brokerName, platform } = this.parts;
    if (this.broken !== undefined) throw this.broken;
    const wallMs = platform.clock.wallMs();
    const before = this.end;
    for (const of of this.newQueues(decodeLedgerOps(body))) {
      this.add(generationEntry(wallMs, of));
      this.noted.add(keyOf(of));
    }
    this.add(opsEntry(wallMs, body));
    if (this.end > mostBytes) {
      const text = `broker ${brokerName}: the journal of this replica has reached ${mostBytes} bytes, the limit, while the master is away`;
      throw this.fail(new StatusError(Code.INTERNAL_SERVER_ERROR, text));
    }
    this.run();
    return { end: this.end, bytes: this.end - before };
  }

  append(): number {
    throw servesReads(this.parts.brokerName);
  }

  written(end: number): Promise<void> {
    return this.wait(this.writtenWaiters, end, this.writtenTo);
  }

  changed(end: number): Promise<void> {
    return this.synced(end);
  }

  synced(end: number): Promise<void> {
    const synced = this.wait(this.syncedWaiters, end, this.syncedTo);
    this.run();
    return synced;
  }

  /** Resolves when all is on stable storage, or nothing more can be; it takes nothing from now on. */
  async close(reason: StatusError): Promise<void> {
    await this.synced(this.end).catch(() => undefined);
    this.fail(reason);
    await this.running;
    await this.handle.close();
  }

  /** Queues of which a message is finished for the first time. */
  private *newQueues(ops: readonly LedgerOp[]): Iterable<QueueGeneration> {
    for (const op of ops) {
      if (op.kind !== 'ack' && op.kind !== 'expire') continue;
      const { group, topic, queueId } = op;
      if (this.noted.has(keyOf(op))) continue;
      yield { group, topic, queueId, generation: this.parts.generationOf(op) };
    }
  }

  private add(entry: Buffer): void {
    this.pending.push(entry);
    this.end += entry.length;
  }

  private wait(waiters: PositionWaiters, end: number, reached: number): Promise<void> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    return end <= reached ? Promise.resolve() : waiters.wait(end);
  }

  private run(): void {
    if (this.busy || this.broken !== undefined) return;
    this.busy = true;
    this.running = this.work().catch((error: unknown) => {
      const text = `the journal of this replica cannot be written: ${errorText(error)}`;
      this.fail(new StatusError(Code.INTERNAL_SERVER_ERROR, text, { cause: error }));
    });
  }

  private async work(): Promise<void> {
    for (;;) {
      if (this.pending.length > 0) await this.write();
      if (this.syncedWaiters.waiting > 0) await this.sync();
      if (this.pending.length > 0 || this.syncedWaiters.waiting > 0) continue;
      this.busy = false;
      return;
    }
  }

  private async write(): Promise<void> {
    const { pending, end } = this;
    this.pending = [];
    await this.handle.write(pending, this.writtenTo);
    this.writtenTo = end;
    this.writtenWaiters.reach(end);
  }

  private async sync(): Promise<void> {
    const end = this.writtenTo;
    await this.handle.datasync();
    this.syncedTo = end;
    this.syncedWaiters.reach(end);
  }

  private fail(reason: StatusError): StatusError {
    this.broken ??= reason;
    this.writtenWaiters.fail(this.broken);
    this.syncedWaiters.fail(this.broken);
    return this.broken;
  }
}

function keyOf({ group, topic, queueId }: QueueRef): string {
  return `${group} ${topic} ${queueId}`;
}
