/** What a peer may still send, and when it is told that it may send more. */
export class ReceiveWindow {
  private left: number;
  private unreturned = 0;

  /** @param bytes what the peer may send before it is told more */
  constructor(private readonly bytes: number) {
    this.left = bytes;
  }

  /** Bytes have come; false when they are more than the peer was allowed. */
  spend(bytes: number): boolean {
    this.left -= bytes;
    return this.left >= 0;
  }

  /** Bytes are used up; answers by how much the peer is to be told that its window grows, mostly 0. */
  giveBack(bytes: number): number {
    this.unreturned += bytes;
    if (this.unreturned * 2 < this.bytes) return 0;
    const more = this.unreturned;
    this.left += more;
    this.unreturned = 0;
    return more;
  }
}
