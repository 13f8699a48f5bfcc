/**
 * The newest part of the log in memory:
 *
 *     chunk            chunk            chunk
 *     [base ... used]  [base ... used]  [base ... used | free]
 *                                                      ^ appended here
 *
 * Each byte of a chunk is written once and never again, so that a view of it that was handed to a
 * reader or to a socket stays right for as long as somebody holds it. Old chunks are dropped by
 * reference. A record lies in one chunk; a chunk lies in one segment.
 */
const MIN_CHUNK_BYTES = 64 * 1024;
const MAX_CHUNK_BYTES = 4 * 1024 * 1024;

export interface Chunk {
  /** Position in the log of the first byte. */
  readonly base: number;
  readonly bytes: Buffer;
  /** Bytes in use, from the first one on. */
  used: number;
}

export class Tail {
  private readonly chunks: Chunk[] = [];
  private nextBytes = MIN_CHUNK_BYTES;
  private heldBytes = 0;

  /** Memory of all chunks, bytes. */
  get bytesHeld(): number {
    return this.heldBytes;
  }

  /**
   * The chunk to write the `bytes` bytes at `position` into, at `position - base`; the caller moves
   * `used`. `segmentEnd` ends the chunk. Hot path.
   */
  chunkFor(position: number, bytes: number, segmentEnd: number): Chunk {
    const last = this.chunks[this.chunks.length - 1];
    if (
      last !== undefined &&
      last.base + last.used === position &&
      last.used + bytes <= last.bytes.length
    ) {
      return last;
    }
    const capacity = Math.min(Math.max(this.nextBytes, bytes), segmentEnd - position);
    this.nextBytes = Math.min(this.nextBytes * 2, MAX_CHUNK_BYTES);
    const chunk = { base: position, bytes: Buffer.allocUnsafeSlow(capacity), used: 0 };
    this.chunks.push(chunk);
    this.heldBytes += capacity;
    return chunk;
  }

  /** A view of bytes that are still here, `undefined` when they are not. Hot path. */
  slice(position: number, bytes: number): Buffer | undefined {
    const chunk = this.chunks[this.find(position)];
    if (chunk === undefined || position + bytes > chunk.base + chunk.used) return undefined;
    const at = position - chunk.base;
    return chunk.bytes.subarray(at, at + bytes);
  }

  /** A view of what lies from `position` on, to its chunk's end or `limit`; `undefined` when it is not here. */
  sliceFrom(position: number, limit: number): Buffer | undefined {
    const chunk = this.chunks[this.find(position)];
    if (chunk === undefined || position >= chunk.base + chunk.used) return undefined;
    const end = Math.min(chunk.used, limit - chunk.base);
    return chunk.bytes.subarray(position - chunk.base, end);
  }

  /** All that was appended in `from` .. `to`, in order. */
  gather(from: number, to: number): Buffer[] {
    const buffers: Buffer[] = [];
    for (let i = Math.max(0, this.find(from)); i < this.chunks.length; i++) {
      const chunk = this.chunks[i];
      if (chunk === undefined || chunk.base >= to) break;
      const start = Math.max(0, from - chunk.base);
      const end = Math.min(chunk.used, to - chunk.base);
      if (start < end) buffers.push(chunk.bytes.subarray(start, end));
    }
    return buffers;
  }

  /**
   * Drops the oldest chunks that end at or below `position` while more than `keepBytes` are held;
   * never the one that is being filled.
   */
  drop(position: number, keepBytes: number): void {
    let count = 0;
    for (let i = 0; i < this.chunks.length - 1; i++) {
      const chunk = this.chunks[i];
      if (chunk === undefined || this.heldBytes <= keepBytes || chunk.base + chunk.used > position)
        break;
      this.heldBytes -= chunk.bytes.length;
      count++;
    }
    if (count > 0) this.chunks.splice(0, count);
  }

  /** Index of the last chunk whose base is at or below `position`, -1 without one. */
  private find(position: number): number {
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.chunks[middle]?.base ?? Infinity) <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
