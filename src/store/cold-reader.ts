/**
 * Reads of records that are no longer in memory, with read-ahead: who reads one record behind the
 * other gets blocks that grow from 64 KiB to 1 MiB, read once for all records in them and for all
 * readers; they shrink again when little of them is wanted. Who jumps about reads no more than the record.
 *
 *     record   [record][64 KiB      ][128 KiB            ] ...    one stream of up to eight
 *
 * How many reads run at once is bounded by `Segments`, so that the threads for files are never all
 * taken from the writer.
 */
import type { Segments } from './segments';

/** Blocks that are kept: of readers at different places, or of one. */
const MOST_STREAMS = 8;
const FIRST_BLOCK_BYTES = 64 * 1024;
const MOST_BLOCK_BYTES = 1024 * 1024;
/** A record that begins so close behind a block, or eight lengths of the block, is the next one of its reader. */
const NEAR_BYTES = 64 * 1024;
const NEAR_LENGTHS = 8;
/** Small records are copied out of their block into pieces of memory of this length. */
const SLAB_BYTES = 32 * 1024;
/** Blocks grow while at least this part of them is wanted. */
const LEAST_PART = 1 / 8;

interface Stream {
  /** Position of the block's first byte. */
  readonly base: number;
  readonly length: number;
  readonly block: Promise<Buffer>;
  /** The block once it is here. */
  loaded: Buffer | undefined;
  /** Bytes of it that readers were given. */
  wanted: number;
}

export class ColdReader {
  /** In the order of last use. */
  private streams: Stream[] = [];
  private slab = Buffer.alloc(0);
  private slabUsed = 0;

  constructor(private readonly segments: Segments) {}

  /**
   * The `bytes` bytes at `position`, fewer when the segment ends before; nobody overwrites them. At once
   * when their block is here. Hot path.
   * @param limit position up to which the log's bytes are final
   */
  read(position: number, bytes: number, limit: number): Buffer | Promise<Buffer> {
    const inBlock = this.streams.find(
      ({ base, length }) => position >= base && position + bytes <= base + length,
    );
    if (inBlock !== undefined) return this.take(inBlock, position - inBlock.base, bytes);
    const near = this.before(position);
    const { segments } = this;
    const end = Math.min(limit, segments.startOf(position) + segments.segmentBytes);
    const ahead = near === undefined ? bytes : Math.min(nextLength(near), end - position);
    const stream = this.open(position, Math.max(bytes, ahead));
    // The one before may still serve others: it goes when it is the one not used for longest.
    this.streams = [...this.streams.slice(-(MOST_STREAMS - 1)), stream];
    return this.take(stream, 0, bytes);
  }

  /** The block that a reader at `position` has come from: the nearest one that ends not far before it. */
  private before(position: number): Stream | undefined {
    let nearest: Stream | undefined;
    for (const stream of this.streams) {
      const { base, length } = stream;
      const reach = base + length + Math.max(NEAR_BYTES, length * NEAR_LENGTHS);
      if (position < base || position > reach) continue;
      if (nearest === undefined || base > nearest.base) nearest = stream;
    }
    return nearest;
  }

  private open(base: number, length: number): Stream {
    const bytes = Buffer.allocUnsafeSlow(length);
    const block = this.segments.read(bytes, base).then((filled) => bytes.subarray(0, filled));
    const stream: Stream = { base, length, block, loaded: undefined, wanted: 0 };
    block.then(
      (loaded) => (stream.loaded = loaded),
      () => {
        // Whoever waits for it is told; the next one reads it again.
        this.streams = this.streams.filter((other) => other !== stream);
      },
    );
    return stream;
  }

  private take(stream: Stream, at: number, bytes: number): Buffer | Promise<Buffer> {
    stream.wanted += bytes;
    // At the end of the line, which is the last to be forgotten.
    if (this.streams[this.streams.length - 1] !== stream) {
      this.streams = [...this.streams.filter((other) => other !== stream), stream];
    }
    if (stream.loaded !== undefined) return this.part(stream.loaded, at, bytes);
    return stream.block.then((block) => this.part(block, at, bytes));
  }

  /**
   * A part of a block. A small one is copied out: a record that waits for its reader must not keep the
   * block. Several share a slab, because an allocation for each costs more than the copy. Hot path.
   */
  private part(block: Buffer, at: number, bytes: number): Buffer {
    const part = block.subarray(at, at + bytes);
    if (part.length * 4 >= block.length) return part;
    if (part.length * 4 > SLAB_BYTES) return Buffer.from(part);
    if (this.slabUsed + part.length > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.slabUsed = 0;
    }
    const copy = this.slab.subarray(this.slabUsed, this.slabUsed + part.length);
    copy.set(part);
    this.slabUsed += part.length;
    return copy;
  }
}

function nextLength({ length, wanted }: Stream): number {
  const next = wanted >= length * LEAST_PART ? length * 2 : length / 2;
  return Math.min(MOST_BLOCK_BYTES, Math.max(FIRST_BLOCK_BYTES, Math.floor(next)));
}
