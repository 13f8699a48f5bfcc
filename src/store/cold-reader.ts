/**
 * Reads of records that are no longer in memory, with read-ahead: who reads one record behind the
 * other gets blocks that grow from 64 KiB to 1 MiB, read once for all records in them; who jumps
 * about reads no more than the record.
 *
 *     record   [record][64 KiB      ][128 KiB            ] ...    one stream of up to eight
 *
 * How many reads run at once is bounded by `Segments`, so that the threads for files are never all
 * taken from the writer.
 */
import type { Segments } from './segments';

/** Readers at different places that are remembered. */
const MOST_STREAMS = 8;
const FIRST_BLOCK_BYTES = 64 * 1024;
const MOST_BLOCK_BYTES = 1024 * 1024;
/** A record that begins so close behind the last one read is the next one of the same reader. */
const NEAR_BYTES = 64 * 1024;

interface Stream {
  /** Position of the block's first byte. */
  readonly base: number;
  readonly length: number;
  readonly block: Promise<Buffer>;
}

export class ColdReader {
  /** In the order of last use. */
  private streams: Stream[] = [];

  constructor(private readonly segments: Segments) {}

  /**
   * The `bytes` bytes at `position`, fewer when the segment ends before; nobody overwrites them.
   * @param limit position up to which the log's bytes are final
   */
  async read(position: number, bytes: number, limit: number): Promise<Buffer> {
    const near = this.streams.find(
      ({ base, length }) => position >= base && position <= base + length + NEAR_BYTES,
    );
    if (near !== undefined && position + bytes <= near.base + near.length) {
      this.use(near, near);
      return copyOf(await near.block, position - near.base, bytes);
    }
    const { segments } = this;
    const end = Math.min(limit, segments.startOf(position) + segments.segmentBytes);
    const ahead = near === undefined ? bytes : Math.min(nextLength(near.length), end - position);
    const stream = this.open(position, Math.max(bytes, ahead));
    this.use(near, stream);
    try {
      return copyOf(await stream.block, 0, bytes);
    } catch (error) {
      this.streams = this.streams.filter((other) => other !== stream);
      throw error;
    }
  }

  private open(base: number, length: number): Stream {
    const bytes = Buffer.allocUnsafeSlow(length);
    const block = this.segments.read(bytes, base).then((filled) => bytes.subarray(0, filled));
    return { base, length, block };
  }

  /** Puts a stream at the end of the line, in the place of the one that it goes on from. */
  private use(before: Stream | undefined, stream: Stream): void {
    const others = this.streams.filter((other) => other !== before);
    this.streams = [...others.slice(-(MOST_STREAMS - 1)), stream];
  }
}

function nextLength(length: number): number {
  return Math.min(MOST_BLOCK_BYTES, Math.max(FIRST_BLOCK_BYTES, length * 2));
}

/** A small part of a block is copied out: a record that waits for its reader must not keep the block. */
function copyOf(block: Buffer, at: number, bytes: number): Buffer {
  const part = block.subarray(at, at + bytes);
  return part.length * 4 < block.length ? Buffer.from(part) : part;
}
