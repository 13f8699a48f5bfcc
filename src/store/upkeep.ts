/**
 * What happens behind the hot path, one thing at a time: ConsumeQueue entries are written each
 * second, synced each ten seconds, and the marks that bound recovery are moved. Nothing runs while
 * nothing changes. What takes long (thousands of new queues) is done in slices: the mark of what was
 * synced goes on moving, and whoever waits for his turn gets it.
 */
import type { Platform, TimerHandle } from '../platform/platform';
import { writeDurably } from './atomic-file';
import { encodeCheckpoint } from './checkpoint';
import type { CommitLog } from './commit-log';
import type { ConsumeQueues, QueueTotals } from './consume-queues';
import type { Layout } from './layout';
import type { MarkFile } from './mark';
import { never, type Pause } from './pass';
import type { QueueBatch, QueueTable } from './queue-table';
import { errorText } from '../platform/error-text';

const TICK_MS = 1000;
/** Between two syncs of the ConsumeQueues: about what a crash makes recovery read again. */
const CHECKPOINT_MS = 10_000;
/** A tick that takes longer is broken off, and the next one goes on at once. */
const SLICE_MS = 1000;
/** Entries without a file that bring the next tick forward. */
const MANY_ENTRIES = 200_000;

/** What was dispatched to the ConsumeQueues so far. */
export interface Dispatched {
  /** All records below this position have their entries in the queues. */
  readonly position: number;
  /** Position and store time of the last of them. */
  readonly lastPhysicalOffset: number;
  readonly lastStoreTimestamp: number;
}

/** The last state of the ConsumeQueues that was synced. */
interface QueuesSynced {
  /** All records below this position have their entries. */
  readonly position: number;
  readonly totals: QueueTotals;
}

/** A checkpoint that was begun: what is going to be said when all that was there then is synced. */
interface Begun {
  readonly dispatched: Dispatched;
  readonly totals: QueueTotals;
  readonly batch: QueueBatch | undefined;
  flushed: boolean;
}

export interface UpkeepOptions {
  readonly platform: Platform;
  readonly layout: Layout;
  readonly mark: MarkFile;
  readonly table: QueueTable;
  readonly queues: ConsumeQueues;
  readonly commitLog: CommitLog;
  readonly segmentBytes: number;
  readonly queueFileEntries: number;
  readonly start: QueuesSynced;
  readonly dispatched: () => Dispatched;
  /** See `Checkpoint.indexMsgTimestamp`. */
  readonly indexTimestamp: () => number;
  readonly onFailure: (failure: Error) => void;
}

export class Upkeep {
  private line: Promise<void> = Promise.resolve();
  private timer: TimerHandle | undefined;
  private hurried = false;
  private stopped = false;
  private begun: Begun | undefined;
  private lastCheckpointMs: number;
  private markedSynced: number;
  private queuesSynced: QueuesSynced;

  constructor(private readonly options: UpkeepOptions) {
    this.lastCheckpointMs = options.platform.clock.monotonicMs();
    this.markedSynced = options.commitLog.writer.synced;
    this.queuesSynced = options.start;
  }

  /** Something has changed: a tick comes within a second, sooner when much waits. Hot path. */
  touch(): void {
    const many = this.options.queues.unwrittenEntries >= MANY_ENTRIES;
    if (this.stopped || (this.timer !== undefined && (!many || this.hurried))) return;
    this.hurried = many;
    this.arm(many ? 0 : TICK_MS);
  }

  /** Runs a task after those before it; its failure stops the store. */
  run(task: () => Promise<void>): Promise<void> {
    const outcome = this.line.then(task);
    this.line = outcome.catch((error: unknown) => {
      const text = errorText(error);
      this.options.onFailure(new Error(`upkeep of the store failed: ${text}`, { cause: error }));
    });
    return outcome;
  }

  /** Syncs the ConsumeQueues and moves the marks up to what is dispatched now. */
  async checkpoint(cleanEnd = -1): Promise<void> {
    // One that was begun has taken its changes for the table of queues: they must be written first.
    if (this.begun !== undefined) await this.goOn(this.begun, never);
    await this.goOn(await this.begin(), never, cleanEnd);
  }

  /** Takes down what a checkpoint is going to say. */
  private async begin(): Promise<Begun> {
    const { queues, table, commitLog } = this.options;
    const dispatched = this.options.dispatched();
    const { totals } = queues;
    const batch = table.next(queues.takeChanges(dispatched.position));
    const begun = { dispatched, totals, batch, flushed: false };
    this.begun = begun;
    await commitLog.writer.syncTo(dispatched.position);
    queues.beginFlush();
    return begun;
  }

  /** Goes on with a checkpoint; answers whether it is done, false when it has paused. */
  private async goOn(begun: Begun, pause: Pause, cleanEnd = -1): Promise<boolean> {
    const { queues, platform, layout, table, commitLog } = this.options;
    begun.flushed ||= await queues.flush(commitLog.writer.synced, pause);
    if (!begun.flushed || !(await queues.sync(pause))) return false;
    const { dispatched, totals, batch } = begun;
    const checkpoint = encodeCheckpoint({
      physicMsgTimestamp: dispatched.lastStoreTimestamp,
      logicsMsgTimestamp: dispatched.lastStoreTimestamp,
      logicsPhysicalOffset: dispatched.lastPhysicalOffset,
      indexMsgTimestamp: this.options.indexTimestamp(),
    });
    await writeDurably(platform.files, layout.checkpoint, checkpoint);
    if (batch !== undefined) await table.write(batch);
    this.begun = undefined;
    this.queuesSynced = { position: dispatched.position, totals };
    this.lastCheckpointMs = platform.clock.monotonicMs();
    await this.writeMark(cleanEnd);
    return true;
  }

  /** No tick begins any more; resolves when the one that runs has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.line;
  }

  private async tick(): Promise<void> {
    this.timer = undefined;
    this.hurried = false;
    if (this.stopped) return;
    const { clock } = this.options.platform;
    const { writer } = this.options.commitLog;
    const until = clock.monotonicMs() + SLICE_MS;
    const done = await this.work(() => clock.monotonicMs() >= until);
    if (writer.synced > this.markedSynced) await this.writeMark(-1);
    if (!done) this.arm(0);
    else if (this.behind()) this.touch();
  }

  /** A checkpoint when its time has come or one was begun, else the entries that have no file yet. */
  private async work(pause: Pause): Promise<boolean> {
    const { platform, queues, dispatched, commitLog } = this.options;
    const due = platform.clock.monotonicMs() - this.lastCheckpointMs >= CHECKPOINT_MS;
    if (this.begun !== undefined || due) {
      return this.goOn(this.begun ?? (await this.begin()), pause);
    }
    const { writer } = commitLog;
    // Many wait for a sync of their records: it is brought forward.
    if (queues.unwrittenEntries >= MANY_ENTRIES) await writer.syncTo(dispatched().position);
    return queues.flush(writer.synced, pause);
  }

  private arm(delayMs: number): void {
    this.timer?.cancel();
    this.timer = this.options.platform.timers.after(delayMs, () => {
      // What goes wrong is told to the store by `run`.
      this.run(() => this.tick()).catch(() => undefined);
    });
  }

  private behind(): boolean {
    const { dispatched, commitLog, queues } = this.options;
    return (
      queues.unwrittenEntries > 0 ||
      this.queuesSynced.position < dispatched().position ||
      this.markedSynced < commitLog.writer.synced
    );
  }

  private async writeMark(cleanEnd: number): Promise<void> {
    const { mark, commitLog, segmentBytes, queueFileEntries } = this.options;
    const syncedPosition = commitLog.writer.synced;
    await mark.write({
      syncedPosition,
      queuesPosition: this.queuesSynced.position,
      queueCount: this.queuesSynced.totals.count,
      queueEndSum: this.queuesSynced.totals.endSum,
      queueStartSum: this.queuesSynced.totals.startSum,
      segmentBytes,
      queueFileEntries,
      storeTimestamp: commitLog.storeTimestamp,
      cleanEnd,
    });
    this.markedSynced = syncedPosition;
  }
}
