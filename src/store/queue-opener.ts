/**
 * Compares the files of a queue with what the table of queues says of them, when they are needed for the
 * first time. What is there beyond the table's end is cut; when something is missing the entries are
 * made anew from the log, of all queues that lack some at once.
 */
import type { Logger } from 'pino';
import { SysFlag } from '../message/record';
import type { ConsumeQueue } from './consume-queue';
import type { DeletedTopics } from './deleted-topics';
import { Gate } from './gate';
import { LogScanner } from './log-scanner';
import { ENTRY_BYTES, writeEntry, writeFiller } from './queue-entry';
import type { QueueFiles } from './queue-files';
import type { Segments } from './segments';
import { tagsCodeOf } from './tags-code';

/** Entries of one write when they are made anew. */
const ENTRIES_A_WRITE = 4096;
/** Entries gathered of all queues before those gathered are written. */
const MOST_ENTRIES = 100_000;

export interface OpenerParts {
  readonly queueFiles: QueueFiles;
  readonly segments: Segments;
  readonly deleted: DeletedTopics;
  readonly log: Logger;
}

/** A queue whose entries are made anew, one after the other. */
interface Anew {
  readonly queue: ConsumeQueue;
  /** Offset of the next entry to be written. */
  written: number;
  /** Entries behind `written`. */
  entries: Buffer[];
  readonly end: number;
}

export class QueueOpener {
  private readonly opening = new Map<ConsumeQueue, Promise<void>>();
  private readonly gate = new Gate(1);
  /** All entries that the table counts lie below this position of the log. */
  private position = 0;

  constructor(private readonly parts: OpenerParts) {}

  /** Queues that are not checked yet are as a table for this position of the log says. */
  trust(position: number): void {
    this.position = position;
  }

  /**
   * Makes sure that a queue's files hold what they should.
   * @param all all queues: those that lack something as well are made anew with it
   */
  async open(queue: ConsumeQueue, all: () => Iterable<ConsumeQueue>): Promise<void> {
    if (queue.checked) return;
    let opening = this.opening.get(queue);
    if (opening === undefined) {
      opening = this.openNow(queue, all).finally(() => this.opening.delete(queue));
      this.opening.set(queue, opening);
    }
    await opening;
  }

  private async openNow(queue: ConsumeQueue, all: () => Iterable<ConsumeQueue>): Promise<void> {
    const { queueFiles } = this.parts;
    const found = await queueFiles.look(queue, queue.start, queue.flushed);
    if (found === 'less') {
      await this.gate.run(() => (queue.checked ? Promise.resolve() : this.makeAnew(queue, all)));
    } else {
      if (found === 'more') await queueFiles.cut(queue, queue.flushed);
      queue.checked = true;
    }
  }

  private async makeAnew(queue: ConsumeQueue, all: () => Iterable<ConsumeQueue>): Promise<void> {
    const { queueFiles, log } = this.parts;
    const lacking = [queue];
    for (const other of all()) {
      if (other === queue || other.checked || this.opening.has(other)) continue;
      const found = await queueFiles.look(other, other.start, other.flushed);
      if (found === 'less' && !this.opening.has(other)) lacking.push(other);
    }
    log.warn({ queues: lacking.length }, 'ConsumeQueue files are missing or short: made anew');
    const done = this.scan(lacking);
    for (const other of lacking) {
      // Whoever asks for it meanwhile waits as well.
      if (other === queue) continue;
      const opening = done.finally(() => this.opening.delete(other));
      opening.catch(() => undefined);
      this.opening.set(other, opening);
    }
    await done;
  }

  private async scan(lacking: readonly ConsumeQueue[]): Promise<void> {
    const { queueFiles, segments, deleted } = this.parts;
    const topics = new Map<string, Map<number, Anew>>();
    for (const queue of lacking) {
      const anew = {
        queue,
        written: firstOf(queue, queueFiles.fileEntries),
        entries: [],
        end: queue.flushed,
      };
      const ofTopic = topics.get(queue.topic) ?? new Map<number, Anew>();
      topics.set(queue.topic, ofTopic.set(queue.queueId, anew));
      await queueFiles.cut(queue, 0);
      if (anew.written === anew.end) await queueFiles.createEmpty(queue, anew.end);
    }
    const queues = [...topics.values()].flatMap((ofTopic) => [...ofTopic.values()]);
    let gathered = 0;
    const to = this.position;
    await new LogScanner(segments).scan({
      from: segments.first,
      to,
      trusted: to,
      onRecord: async (record) => {
        const anew = topics.get(record.topic)?.get(record.queueId);
        const type = record.sysFlag & SysFlag.TRANSACTION_MASK;
        if (anew === undefined || type === SysFlag.PREPARED || type === SysFlag.ROLLBACK) return;
        if (record.physicalOffset < deleted.position(record.topic)) return;
        const next = anew.written + anew.entries.length;
        if (record.queueOffset < next || record.queueOffset >= anew.end) return;
        fill(anew, record.queueOffset);
        const entry = Buffer.alloc(ENTRY_BYTES);
        writeEntry(entry, 0, record.physicalOffset, record.totalBytes, tagsCodeOf(record));
        anew.entries.push(entry);
        gathered += record.queueOffset + 1 - next;
        if (gathered < MOST_ENTRIES) return;
        for (const each of queues) await this.write(each);
        gathered = 0;
      },
      onDamage: () => undefined,
    });
    for (const anew of queues) {
      fill(anew, anew.end);
      await this.write(anew);
      anew.queue.checked = true;
    }
  }

  private async write(anew: Anew): Promise<void> {
    const { queueFiles } = this.parts;
    for (let at = 0; at < anew.entries.length && !anew.queue.deleted;) {
      const inFile = queueFiles.fileEntries - (anew.written % queueFiles.fileEntries);
      const part = anew.entries.slice(at, at + Math.min(ENTRIES_A_WRITE, inFile));
      await queueFiles.write(anew.queue, anew.written, [Buffer.concat(part)]);
      at += part.length;
      anew.written += part.length;
    }
    anew.entries = [];
  }
}

/** Where to begin: the slots before the first message of its file become fillers when the file is made. */
function firstOf({ start, min, flushed }: ConsumeQueue, fileEntries: number): number {
  return min < flushed && min - (min % fileEntries) === start ? min : start;
}

/** Slots up to `offset` whose records are lost get fillers. */
function fill(anew: Anew, offset: number): void {
  while (anew.written + anew.entries.length < offset) {
    const filler = Buffer.alloc(ENTRY_BYTES);
    writeFiller(filler, 0);
    anew.entries.push(filler);
  }
}
