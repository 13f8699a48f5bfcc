/**
 * What is done when a ConsumeQueue entry does not lead to its message. The entry may be damaged, or the
 * record. The record is looked for in the log between the queue's neighbouring messages; the entry is
 * then written anew, or becomes a filler when the message is lost. Damaged bytes of the log stay, for
 * `gantry store check`.
 */
import type { Logger } from 'pino';
import { javaHashCode } from '../message/java-hash';
import { Property } from '../message/properties';
import { FIXED_BYTES, readRecord, recordIntact, recordProperties } from '../message/record';
import type { CommitLog } from './commit-log';
import type { ConsumeQueue } from './consume-queue';
import { Gate } from './gate';
import { LogScanner } from './log-scanner';
import type { QueueEntry } from './message-store';
import { ENTRY_BYTES, readEntry, writeEntry, writeFiller } from './queue-entry';
import type { QueueFiles } from './queue-files';
import { isPlausible, isRecordOf } from './record-check';
import type { Segments } from './segments';
import { NotItsRecord } from './store-errors';

/** Entries to either side that are tried as the ends of the search. */
const NEIGHBOURS = 16;

export interface MenderParts {
  readonly segments: Segments;
  readonly queueFiles: QueueFiles;
  readonly log: Logger;
}

export class EntryMender {
  private readonly gate = new Gate(1);
  private found = 0;
  private gone = 0;
  /** Where the last damaged bytes begin that a search has met, -1 without any. */
  lastDamage = -1;

  constructor(
    private readonly parts: MenderParts,
    /** Where the part of the log ends that readers may see. */
    private readonly visible: () => number,
  ) {}

  /** Messages whose entries were written anew. */
  get mended(): number {
    return this.found;
  }

  /** Messages that are lost: their slots are fillers now. */
  get lost(): number {
    return this.gone;
  }

  /**
   * The entry that leads to a slot's message; a filler when it is lost. One at a time: a search may
   * read much of the log.
   * @throws Error when the log cannot be read: then nothing is decided
   */
  mend(queue: ConsumeQueue, queueOffset: number): Promise<QueueEntry> {
    return this.gate.run(() => this.mendNow(queue, queueOffset));
  }

  /** Messages of a queue lie one behind the other in the log: an entry that does not is damaged, and is mended. */
  async mendOutOfOrder(queue: ConsumeQueue, entries: QueueEntry[]): Promise<void> {
    let end = this.parts.segments.first;
    for (const [i, entry] of entries.entries()) {
      if (entry.bytes === 0) continue;
      const next = entries.slice(i + 1, i + 3).find(({ bytes }) => bytes > 0);
      const inOrder =
        entry.bytes >= FIXED_BYTES &&
        entry.physicalOffset >= end &&
        entry.physicalOffset + entry.bytes <= (next?.physicalOffset ?? Infinity);
      const right = inOrder ? entry : await this.mend(queue, entry.queueOffset);
      entries[i] = right;
      if (right.bytes > 0) end = right.physicalOffset + right.bytes;
    }
  }

  private async mendNow(queue: ConsumeQueue, queueOffset: number): Promise<QueueEntry> {
    const { queueFiles, log } = this.parts;
    const bytes = await queueFiles.read(queue, queueOffset, 1);
    if (bytes.length === ENTRY_BYTES) {
      // Mended by somebody who waited before.
      const entry = readEntry(bytes, 0, queueOffset);
      if (entry.bytes === 0 || (await this.leads(queue, entry))) return entry;
    }
    const entry = await this.search(queue, queueOffset);
    const mended = Buffer.alloc(ENTRY_BYTES);
    const { physicalOffset, tagsCode } = entry;
    if (entry.bytes === 0) writeFiller(mended, 0);
    else writeEntry(mended, 0, physicalOffset, entry.bytes, tagsCode);
    await queueFiles.write(queue, queueOffset, [mended]);
    const { topic, queueId } = queue;
    if (entry.bytes > 0) {
      this.found++;
      log.error({ topic, queueId, ...entry }, 'a damaged ConsumeQueue entry was written anew');
    } else {
      this.gone++;
      log.error({ topic, queueId, queueOffset }, 'a message is damaged on disk and lost');
    }
    return entry;
  }

  private async search(queue: ConsumeQueue, queueOffset: number): Promise<QueueEntry> {
    const before = await this.neighbour(queue, queueOffset, -1);
    const after = await this.neighbour(queue, queueOffset, 1);
    const { segments } = this.parts;
    const from = before === undefined ? segments.first : before.physicalOffset + before.bytes;
    const to = after?.physicalOffset ?? this.visible();
    let entry: QueueEntry = { queueOffset, physicalOffset: 0, bytes: 0, tagsCode: 0 };
    await new LogScanner(segments).scan({
      from,
      to,
      trusted: to,
      onRecord: (record) => {
        const { physicalOffset, totalBytes } = record;
        const { topic, queueId } = queue;
        if (record.topic !== topic || record.queueId !== queueId) return;
        if (record.queueOffset !== queueOffset) return;
        const tag = recordProperties(record).get(Property.TAGS);
        const tagsCode = tag === undefined ? 0 : javaHashCode(tag);
        entry = { queueOffset, physicalOffset, bytes: totalBytes, tagsCode };
      },
      onDamage: (damage) => {
        this.lastDamage = Math.max(this.lastDamage, damage);
      },
    });
    return entry;
  }

  /** The nearest entry to one side that leads to its message. */
  private async neighbour(
    queue: ConsumeQueue,
    queueOffset: number,
    step: 1 | -1,
  ): Promise<QueueEntry | undefined> {
    for (let i = 1; i <= NEIGHBOURS; i++) {
      const offset = queueOffset + i * step;
      if (offset < queue.min || offset >= queue.max) return undefined;
      const found: QueueEntry[] = [];
      if (offset >= queue.firstInMemory) queue.read(offset, offset + 1, found);
      else {
        const bytes = await this.parts.queueFiles.read(queue, offset, 1);
        if (bytes.length === ENTRY_BYTES) found.push(readEntry(bytes, 0, offset));
      }
      const [entry] = found;
      if (entry !== undefined && (await this.leads(queue, entry))) return entry;
    }
    return undefined;
  }

  /** Whether the whole record of the entry's slot lies where it points. */
  private async leads(queue: ConsumeQueue, entry: QueueEntry): Promise<boolean> {
    if (!isPlausible(entry, this.parts.segments.first, this.visible())) return false;
    const bytes = Buffer.allocUnsafe(entry.bytes);
    const filled = await this.parts.segments.read(bytes, entry.physicalOffset);
    if (filled < bytes.length) return false;
    try {
      if (!isRecordOf(bytes, queue.topicBytes, queue.queueId, entry)) return false;
      return recordIntact(bytes, 0, readRecord(bytes, 0));
    } catch {
      return false;
    }
  }
}

/** The record of an entry, looked for when the entry leads nowhere. Hot path. */
export function readMended(
  commitLog: CommitLog,
  mender: EntryMender,
  queue: ConsumeQueue,
  entry: QueueEntry,
): Buffer | Promise<Buffer> {
  const { topic, topicBytes, queueId } = queue;
  const orMended = async (error: unknown): Promise<Buffer> => {
    const { queueOffset } = entry;
    if (!(error instanceof NotItsRecord) || queueOffset < queue.min || queueOffset >= queue.max) {
      throw error;
    }
    const right = await mender.mend(queue, queueOffset);
    if (right.bytes === 0) throw error;
    return commitLog.record(topic, topicBytes, queueId, right);
  };
  try {
    const found = commitLog.record(topic, topicBytes, queueId, entry);
    return found instanceof Promise ? found.catch(orMended) : found;
  } catch (error) {
    if (!(error instanceof NotItsRecord)) throw error;
    return orMended(error);
  }
}
