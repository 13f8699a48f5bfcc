/**
 * gantry/queues: where each ConsumeQueue begins and ends at a position of the log, so that a start need
 * not look into the files of all queues. Batches, one behind the other: the first one names all queues
 * that ever had an entry, each later one those that have changed since.
 *
 *     batch                                                row
 *      0 'GANTRYQ1' 8      24 keptFrom 8      40 kind 4     topicLength 2, topic (0: as in the row before)
 *      8 bytes of it 4     32 queueCount 4    44 rows       queueId 4
 *     12 CRC-32 of 16.. 4  36 rowCount 4                    start 8, min 8, max 8
 *     16 position 8
 *
 * The last batch that is whole counts, with all before it. It is written when the queues' files are
 * synced up to `position`, and before gantry/mark names that position: a table that is older than the
 * mark, or damaged, is not used.
 */
import { crc32 } from 'node:zlib';
import { readInt64, writeInt64 } from '../message/int64';
import type { Files } from '../platform/platform';
import { replaceFile } from './atomic-file';
import type { QueueBounds } from './consume-queue';
import type { Layout } from './layout';
import type { QueueName } from './queue-files';

const MAGIC = Buffer.from('GANTRYQ1', 'latin1');
const HEAD_BYTES = 44;
const CRC_FROM = 16;
/** A row without its topic. */
const ROW_BYTES = 30;
const WHOLE = 1;
const CHANGES = 2;
/** Changes are gathered into a new whole when they take more than it does and this. */
const MOST_CHANGES_BYTES = 64 * 1024;

export type QueueRow = QueueName & QueueBounds;

/** What a table says of all queues. */
export interface QueueState extends QueuePlace {
  /** Queues that ever had an entry. */
  readonly rows: readonly QueueRow[];
}

interface QueuePlace {
  /** All records of the log below this position have their entries in synced files. */
  readonly position: number;
  /** Messages below this position of the log are not counted: queues begin behind them. */
  readonly keptFrom: number;
}

/** A state, of which `changed` are the rows that differ from what was written last. */
export interface QueueChanges extends QueuePlace {
  readonly rows: Iterable<QueueRow>;
  /** How many queues there are in all. */
  readonly count: number;
  /** `undefined` when a queue is gone: then all is written anew. */
  readonly changed: Iterable<QueueRow> | undefined;
}

/** A batch ready to be written. */
export interface QueueBatch {
  readonly bytes: Buffer;
  readonly whole: boolean;
}

export class QueueTable {
  /** Bytes of the first batch, and of all; 0 when the next one must be a first one. */
  private wholeBytes = 0;
  private length = 0;
  private written: QueuePlace | undefined;

  private constructor(
    private readonly files: Files,
    private readonly path: string,
    readonly found: QueueState | undefined,
  ) {}

  /** Reads the table; `found` is `undefined` when there is none that is whole. */
  static async open(files: Files, layout: Layout): Promise<QueueTable> {
    const bytes = (await files.readFile(layout.queueTable)) ?? Buffer.alloc(0);
    const parsed = parseQueueTable(bytes);
    const table = new QueueTable(files, layout.queueTable, parsed?.state);
    if (parsed === undefined) return table;
    // What lies behind the last whole batch was broken off: the next one replaces the file.
    if (parsed.length === bytes.length) {
      table.wholeBytes = parsed.wholeBytes;
      table.length = parsed.length;
      table.written = parsed.state;
    }
    return table;
  }

  /** Makes the next batch of what the queues are now; `undefined` when nothing has changed. */
  next(now: QueueChanges): QueueBatch | undefined {
    const { position, keptFrom, count, changed } = now;
    const grown = this.length - this.wholeBytes > Math.max(this.wholeBytes, MOST_CHANGES_BYTES);
    if (changed === undefined || this.wholeBytes === 0 || grown) {
      return { bytes: encodeBatch(now, count, WHOLE, now.rows), whole: true };
    }
    const bytes = encodeBatch(now, count, CHANGES, changed);
    const same = position === this.written?.position && keptFrom === this.written.keptFrom;
    if (same && bytes.length === HEAD_BYTES) return undefined;
    return { bytes, whole: false };
  }

  /** Writes a batch; it is on stable storage when this resolves. The queues' files must be synced. */
  async write({ bytes, whole }: QueueBatch): Promise<void> {
    const { wholeBytes, length } = this;
    // Until it is known to be there the next one is a first one.
    this.wholeBytes = this.length = 0;
    if (whole) await replaceFile(this.files, this.path, bytes);
    else await this.append(bytes, length);
    this.wholeBytes = whole ? bytes.length : wholeBytes;
    this.length = whole ? bytes.length : length + bytes.length;
    this.written = { position: readInt64(bytes, 16), keptFrom: readInt64(bytes, 24) };
  }

  private async append(bytes: Buffer, at: number): Promise<void> {
    const handle = await this.files.open(this.path, 'write');
    try {
      await handle.write([bytes], at);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  }
}

function encodeBatch(
  { position, keptFrom }: QueuePlace,
  count: number,
  kind: number,
  rows: Iterable<QueueRow>,
): Buffer {
  let target = Buffer.allocUnsafe(64 * 1024);
  let at = HEAD_BYTES;
  let rowCount = 0;
  let before = '';
  for (const { topic, queueId, start, min, max } of rows) {
    const topicBytes = topic === before ? 0 : Buffer.byteLength(topic);
    if (at + ROW_BYTES + topicBytes > target.length) {
      const larger = Buffer.allocUnsafe(Math.max(target.length * 2, at + ROW_BYTES + topicBytes));
      target.copy(larger, 0, 0, at);
      target = larger;
    }
    at = target.writeUInt16BE(topicBytes, at);
    if (topicBytes > 0) at += target.write(topic, at);
    at = target.writeInt32BE(queueId, at);
    for (const value of [start, min, max]) {
      writeInt64(target, value, at);
      at += 8;
    }
    before = topic;
    rowCount++;
  }
  MAGIC.copy(target);
  target.writeUInt32BE(at, 8);
  writeInt64(target, position, 16);
  writeInt64(target, keptFrom, 24);
  target.writeUInt32BE(count, 32);
  target.writeUInt32BE(rowCount, 36);
  target.writeUInt32BE(kind, 40);
  target.writeUInt32BE(crc32(target.subarray(CRC_FROM, at)), 12);
  return target.subarray(0, at);
}

/** What the bytes of a table hold. */
export interface ParsedTable {
  readonly state: QueueState;
  /** Bytes of the first batch. */
  readonly wholeBytes: number;
  /** Bytes of all whole batches. */
  readonly length: number;
}

/** The state after the last whole batch; `undefined` without one. */
export function parseQueueTable(file: Buffer): ParsedTable | undefined {
  const queues = new Map<string, Map<number, QueueRow>>();
  let [count, length, wholeBytes] = [0, 0, 0];
  let last: Buffer | undefined;
  for (let batch = batchAt(file, 0); batch !== undefined; batch = batchAt(file, length)) {
    if ((length === 0) !== (batch.readUInt32BE(40) === WHOLE)) break;
    for (const row of rowsOf(batch)) {
      let ofTopic = queues.get(row.topic);
      if (ofTopic === undefined) queues.set(row.topic, (ofTopic = new Map<number, QueueRow>()));
      if (!ofTopic.has(row.queueId)) count++;
      ofTopic.set(row.queueId, row);
    }
    if (count !== batch.readUInt32BE(32)) return undefined;
    if (length === 0) wholeBytes = batch.length;
    length += batch.length;
    last = batch;
  }
  if (last === undefined) return undefined;
  const rows = [...queues.values()].flatMap((ofTopic) => [...ofTopic.values()]);
  const state = { position: readInt64(last, 16), keptFrom: readInt64(last, 24), rows };
  return { state, wholeBytes, length };
}

/** The whole batch that begins at a place of the file. */
function batchAt(file: Buffer, at: number): Buffer | undefined {
  if (at + HEAD_BYTES > file.length || !file.subarray(at, at + 8).equals(MAGIC)) return undefined;
  const bytes = file.readUInt32BE(at + 8);
  if (bytes < HEAD_BYTES || at + bytes > file.length) return undefined;
  const batch = file.subarray(at, at + bytes);
  return batch.readUInt32BE(12) === crc32(batch.subarray(CRC_FROM)) ? batch : undefined;
}

function* rowsOf(batch: Buffer): Generator<QueueRow> {
  let topic = '';
  for (let at = HEAD_BYTES; at < batch.length; at += 28) {
    const topicBytes = batch.readUInt16BE(at);
    at += 2;
    if (topicBytes > 0) topic = batch.toString('utf8', at, at + topicBytes);
    at += topicBytes;
    const [start, min] = [readInt64(batch, at + 4), readInt64(batch, at + 12)];
    yield { topic, queueId: batch.readInt32BE(at), start, min, max: readInt64(batch, at + 20) };
  }
}
