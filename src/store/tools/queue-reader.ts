/**
 * The files of one ConsumeQueue as they are, for tools. Entries are read in blocks; of all queues
 * together only a bounded number of blocks is held.
 */
import type { Files } from '../../platform/platform';
import { HandleCache } from '../handle-cache';
import { type Layout, positionName, positionOfName } from '../layout';
import { ENTRY_BYTES } from '../queue-entry';
import type { Report } from './finding';

const BLOCK_ENTRIES = 512;
/** Blocks in memory, 10 KiB each. */
const BLOCKS_HELD = 1600;
const OPEN_FILES = 64;

interface Block {
  readonly first: number;
  readonly bytes: Buffer;
}

export interface QueuePlace {
  readonly topic: string;
  readonly queueId: number;
  /** Below consumequeue. */
  readonly directory: string;
  /** First entry of each file, ascending. */
  readonly starts: readonly number[];
}

export class QueueReader {
  private readonly handles: HandleCache;
  private readonly blocks = new Map<QueuePlace, Block>();

  constructor(
    private readonly files: Files,
    private readonly layout: Layout,
    readonly fileEntries: number,
  ) {
    this.handles = new HandleCache(files, 'read', OPEN_FILES);
  }

  /** All queues; what is no queue's file, or has a wrong length, is reported. */
  async list(report: Report): Promise<QueuePlace[]> {
    const places: QueuePlace[] = [];
    for (const topic of await this.files.list(this.layout.consumeQueue)) {
      for (const queue of await this.files.list(this.layout.topicDirectory(topic))) {
        const directory = `consumequeue/${topic}/${queue}`;
        if (!/^\d{1,10}$/.test(queue)) {
          report({ kind: 'wrong', file: directory, what: 'is no queue' });
          continue;
        }
        const starts = await this.startsOf(directory, report);
        places.push({ topic, queueId: Number(queue), directory, starts });
      }
    }
    return places;
  }

  /** One beyond the last entry that the queue's files have room for. */
  endOf(queue: QueuePlace): number {
    const last = queue.starts[queue.starts.length - 1];
    return last === undefined ? 0 : last + this.fileEntries;
  }

  /** The 20 bytes of an entry, zeros where no file has it; valid until the next call. */
  async entry(queue: QueuePlace, offset: number): Promise<Buffer> {
    let block = this.blocks.get(queue);
    if (block === undefined || offset < block.first || offset >= block.first + BLOCK_ENTRIES) {
      block = await this.load(queue, offset - (offset % BLOCK_ENTRIES));
    }
    const at = (offset - block.first) * ENTRY_BYTES;
    return block.bytes.subarray(at, at + ENTRY_BYTES);
  }

  /** File and byte of an entry, for findings. */
  place(queue: QueuePlace, offset: number): { readonly file: string; readonly at: number } {
    const index = offset % this.fileEntries;
    const name = positionName((offset - index) * ENTRY_BYTES);
    return { file: `${queue.directory}/${name}`, at: index * ENTRY_BYTES };
  }

  close(): Promise<void> {
    return this.handles.closeAll();
  }

  private async startsOf(directory: string, report: Report): Promise<number[]> {
    const fileBytes = this.fileEntries * ENTRY_BYTES;
    const starts: number[] = [];
    for (const name of await this.files.list(`${this.layout.root}/${directory}`)) {
      const file = `${directory}/${name}`;
      const position = positionOfName(name);
      if (position === undefined || position % fileBytes !== 0) {
        report({ kind: 'wrong', file, what: `is no file of ${fileBytes} bytes` });
        continue;
      }
      const before = starts[starts.length - 1];
      const start = position / ENTRY_BYTES;
      if (before !== undefined && start !== before + this.fileEntries) {
        report({ kind: 'wrong', file, what: 'a file is missing before it' });
      }
      const bytes = (await this.files.stat(`${this.layout.root}/${file}`))?.bytes ?? 0;
      if (bytes !== fileBytes) {
        const what = `has ${bytes} bytes, files of this store have ${fileBytes}`;
        report({ kind: 'wrong', file, at: bytes, what });
      }
      starts.push(start);
    }
    return starts;
  }

  private async load(queue: QueuePlace, first: number): Promise<Block> {
    const bytes = Buffer.alloc(BLOCK_ENTRIES * ENTRY_BYTES);
    for (let offset = first; offset < first + BLOCK_ENTRIES;) {
      const index = offset % this.fileEntries;
      const count = Math.min(first + BLOCK_ENTRIES - offset, this.fileEntries - index);
      if (queue.starts.includes(offset - index)) {
        const { file, at } = this.place(queue, offset);
        const from = (offset - first) * ENTRY_BYTES;
        const part = bytes.subarray(from, from + count * ENTRY_BYTES);
        await this.handles.use(`${this.layout.root}/${file}`, (handle) => handle.read(part, at));
      }
      offset += count;
    }
    this.blocks.delete(queue);
    this.blocks.set(queue, { first, bytes });
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= BLOCKS_HELD) break;
      this.blocks.delete(oldest);
    }
    return { first, bytes };
  }
}
