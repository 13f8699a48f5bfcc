/** Smaller pieces are copied together, so that many small ones cost no object each. */
const COPY_BYTES = 2048;
const TAIL_BYTES = 8192;

/** Bytes that wait, first in first out. Large pieces are kept as they are, and must not be changed. */
export class ByteQueue {
  private readonly pieces: Uint8Array[] = [];
  /** Bytes of the first piece that are gone. */
  private skipped = 0;
  /** The buffer that the last piece lies in when it may be added to, and the bytes of it in use. */
  private tail: Uint8Array | undefined;
  private tailUsed = 0;
  /** Bytes waiting. */
  length = 0;
  /** Bytes taken so far. */
  taken = 0;

  push(bytes: Uint8Array): void {
    this.length += bytes.length;
    if (bytes.length > COPY_BYTES) {
      this.pieces.push(bytes);
      this.tail = undefined;
    } else {
      this.pushCopy(bytes);
    }
  }

  /** Moves `count` bytes (at most `length`) to `target` from `at` on. */
  shift(target: Uint8Array, at: number, count: number): void {
    let to = at;
    const end = at + count;
    this.length -= count;
    this.taken += count;
    while (to < end) {
      const piece = this.pieces[0];
      if (piece === undefined) return;
      const take = Math.min(piece.length - this.skipped, end - to);
      target.set(piece.subarray(this.skipped, this.skipped + take), to);
      to += take;
      this.skipped += take;
      if (this.skipped === piece.length) this.dropFirst();
    }
  }

  private pushCopy(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.tail === undefined || this.tailUsed + bytes.length > this.tail.length) {
      this.tail = new Uint8Array(TAIL_BYTES);
      this.tailUsed = 0;
      this.pieces.push(this.tail.subarray(0, 0));
    }
    this.tail.set(bytes, this.tailUsed);
    const last = this.pieces.length - 1;
    const begin = this.tailUsed - (this.pieces[last]?.length ?? 0);
    this.tailUsed += bytes.length;
    this.pieces[last] = this.tail.subarray(begin, this.tailUsed);
  }

  private dropFirst(): void {
    this.pieces.shift();
    this.skipped = 0;
    if (this.pieces.length === 0) this.tail = undefined;
  }
}
