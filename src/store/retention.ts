/**
 * Removes the oldest segments of the log, by age and by how full the disk is:
 *
 *     use of the disk    0 ........ warn ........ clean ........ refuse ........ 100 %
 *     expired segments   at an hour |  at any hour ..............................
 *     other segments                              |  the oldest ones, as many as bring use back
 *     messages                                                   |  refused, until use is below clean
 *
 * A segment's age is that of its newest record, so that a copied directory keeps its ages. In
 * removing, in this order: whoever has state that lies only there writes it anew above
 * (`onRemoval`), and that is synced; queues begin behind the segments; those that have lost all their
 * messages are noted; the mark allows queue files to go; those go; and, ten seconds after nobody can
 * find a message in them any more, the segments. A read that runs keeps its file until it has ended.
 * A replica removes what its master has removed, and nothing else.
 */
import type { Logger } from 'pino';
import { storeTimestampOf } from '../message/record-property';
import { MAGIC_V1, MAGIC_V2 } from '../message/record';
import { readInt64 } from '../message/int64';
import type { Platform, TimerHandle } from '../platform/platform';
import type { ConsumeQueues } from './consume-queues';
import type { DeletedTopics } from './deleted-topics';
import type { DiskLimits, DiskUse, DiskWatch } from './disk-watch';
import type { EmptyQueues } from './empty-queues';
import type { Layout } from './layout';
import type { RemovalPlan } from './message-store';
import type { QueueFiles } from './queue-files';
import type { Segments } from './segments';

const HOUR_MS = 3_600_000;
/** Between two looks at ages and the disk... */
const LOOK_MS = 10_000;
/** ... and while the disk is filling up. */
const HURRIED_LOOK_MS = 1000;
/** Segments that go together, at most. */
const MOST_SEGMENTS = 10;
/** From hiding messages to removing them: whoever had found one has read it by then. */
const GRACE_MS = 10_000;
/** A record's bytes up to its store time, with IPv6 hosts. */
const HEAD_BYTES = 80;

export interface RetentionSettings extends DiskLimits {
  /** Age from which a segment may go, ms. */
  readonly keepMs: number;
  /** Hour of the local day, 0 .. 23, in which those go that may. */
  readonly hour: number;
}

export const DEFAULT_RETENTION: RetentionSettings = {
  keepMs: 72 * HOUR_MS,
  hour: 4,
  warnPercent: 75,
  cleanPercent: 85,
  refusePercent: 90,
};

export interface RetentionParts {
  readonly platform: Platform;
  readonly log: Logger;
  readonly layout: Layout;
  readonly settings: RetentionSettings;
  readonly disk: DiskWatch;
  readonly segments: Segments;
  readonly queues: ConsumeQueues;
  readonly queueFiles: QueueFiles;
  readonly deleted: DeletedTopics;
  readonly emptyQueues: EmptyQueues;
  /** Where the log ends, and below which position all is synced and in the queues. */
  readonly end: () => number;
  /** Where the log of the master begins that this store follows; `undefined` without one. */
  readonly masterMin: () => number | undefined;
  readonly settled: () => number;
  /** Lets all who have state in the segments write it anew, synced when it resolves. */
  readonly prepare: (plan: RemovalPlan) => Promise<void>;
  /** Syncs the queues and moves the mark; what it counts of the queues' files is what there is now. */
  readonly checkpoint: () => Promise<void>;
  /** Removes index files of whose records the log, which begins at `below` now, has none. */
  readonly removeIndex: (below: number) => Promise<void>;
  /** Called when messages begin to be refused (with the reason), and when that ends. */
  readonly onFull: (reason: string | undefined) => void;
}

export class Retention {
  private timer: TimerHandle | undefined;
  private running: Promise<void> | undefined;
  private stopped = false;
  private warned = false;
  private endGrace: (() => void) | undefined;

  constructor(private readonly parts: RetentionParts) {}

  /** Begins to look, and goes on until `stop`. */
  start(delayMs = LOOK_MS): void {
    this.timer = this.parts.platform.timers.after(delayMs, () => {
      this.running = this.look()
        .catch((error: unknown) => {
          this.parts.log.error({ err: error }, 'removing old segments failed');
          return LOOK_MS;
        })
        .then((nextMs) => {
          this.running = undefined;
          if (!this.stopped) this.start(nextMs);
        });
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.endGrace?.();
    await this.running;
  }

  /** One look; answers when the next one is due, ms. */
  private async look(): Promise<number> {
    const { disk, end, onFull, log, settings } = this.parts;
    const before = disk.full;
    const use = await disk.look(end());
    if (disk.full !== undefined && before === undefined) {
      log.error({ percent: use.percent }, 'the disk is full: messages are refused');
    }
    if (disk.full === undefined && before !== undefined)
      log.warn('there is room: messages are taken');
    if (disk.full !== before) onFull(disk.full);
    this.warn(use.percent);
    const { below, forced } = await this.plan(use);
    if (below > this.parts.segments.first) await this.remove(below, forced);
    return use.percent > settings.warnPercent ? HURRIED_LOOK_MS : LOOK_MS;
  }

  private warn(percent: number): void {
    const { settings, log } = this.parts;
    const high = percent > settings.warnPercent;
    if (high && !this.warned) {
      log.warn(
        { percent, limits: settings },
        'the disk is filling up: old segments go at any hour',
      );
    }
    this.warned = high;
  }

  /** Where the log is to begin, and whether segments go that have not expired. */
  private async plan(use: DiskUse): Promise<{ below: number; forced: boolean }> {
    const { segments, settings, platform, settled } = this.parts;
    const nowMs = platform.clock.wallMs();
    const due = use.percent > settings.warnPercent || new Date(nowMs).getHours() === settings.hour;
    const forcedCount =
      use.percent > settings.cleanPercent
        ? Math.max(1, Math.ceil(use.overCleanBytes / segments.segmentBytes))
        : 0;
    const last = segments.startOf(settled());
    const masterMin = this.parts.masterMin();
    if (masterMin !== undefined) {
      return { below: Math.min(segments.startOf(masterMin), last), forced: false };
    }
    let below = segments.first;
    let forced = false;
    for (let count = 0; count < MOST_SEGMENTS; count++) {
      if (below + segments.segmentBytes > last) break;
      const expired = due && (await this.newestMs(below)) + settings.keepMs < nowMs;
      if (!expired && count >= forcedCount) break;
      forced ||= !expired;
      below += segments.segmentBytes;
    }
    return { below, forced };
  }

  /** Store time of the newest record of a segment: no later than that of the next one's first. */
  private async newestMs(start: number): Promise<number> {
    const { segments, platform, layout } = this.parts;
    const next = start + segments.segmentBytes;
    const head = Buffer.alloc(HEAD_BYTES);
    const filled = await segments.read(head, next);
    const magic = head.readInt32BE(4);
    const sound = filled === HEAD_BYTES && (magic === MAGIC_V1 || magic === MAGIC_V2);
    if (sound && readInt64(head, 28) === next) return storeTimestampOf(head);
    const stat = await platform.files.stat(layout.segment(start));
    return stat?.modifiedMs ?? platform.clock.wallMs();
  }

  private async remove(below: number, forced: boolean): Promise<void> {
    const { platform, log, segments, queues, queueFiles, deleted, emptyQueues } = this.parts;
    const first = segments.first;
    const turn = (): Promise<void> => new Promise((go) => platform.timers.nextTurn(go));
    const hidden = await queues.below(below, turn);
    const copyBytes = this.copyBytes(forced);
    await this.parts.prepare({ below, forced, copyBytes, queues: hidden });
    queues.raiseMin(hidden, below);
    const hiddenAtMs = platform.clock.monotonicMs();
    await emptyQueues.replace(queues.empty());
    const files = queues.raiseStart(hidden);
    await this.parts.checkpoint();
    for (const queue of files) await queueFiles.removeBelow(queue, queue.start);
    await this.grace(GRACE_MS - (platform.clock.monotonicMs() - hiddenAtMs));
    if (this.stopped) return;
    await segments.removeBelow(below);
    await deleted.forgetBelow(below);
    await this.parts.removeIndex(below);
    const messages = hidden.reduce((sum, { from, to }) => sum + to - from, 0);
    log.info({ from: first, below, forced, messages }, 'removed old segments of the CommitLog');
  }

  /** A removal must free more than it takes, and leave the broker's own records some of their reserve. */
  private copyBytes(forced: boolean): number {
    const { disk, end, segments } = this.parts;
    return Math.min(disk.room(end()) / 2, forced ? segments.segmentBytes / 4 : Infinity);
  }

  private async grace(ms: number): Promise<void> {
    if (ms <= 0 || this.stopped) return;
    await new Promise<void>((resolve) => {
      const timer = this.parts.platform.timers.after(ms, resolve);
      this.endGrace = () => {
        timer.cancel();
        resolve();
      };
    });
    this.endGrace = undefined;
  }
}
