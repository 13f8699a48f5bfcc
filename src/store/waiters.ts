/**
 * Those who wait for the log to reach a position. Positions are asked for in ascending order, so
 * the first in line is the first to be served, without a timer or a search for any of them.
 */
interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

export class PositionWaiters {
  private line: Waiter[] = [];
  private head = 0;

  wait(position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.line.push({ position, resolve, reject });
    });
  }

  get waiting(): number {
    return this.line.length - this.head;
  }

  /** Resolves all who wait for `position` or less. */
  reach(position: number): void {
    for (let first = this.line[this.head]; first; first = this.line[this.head]) {
      if (first.position > position) break;
      this.head++;
      first.resolve();
    }
    if (this.head === this.line.length) {
      this.line = [];
      this.head = 0;
    } else if (this.head > 1024 && this.head * 2 > this.line.length) {
      this.line = this.line.slice(this.head);
      this.head = 0;
    }
  }

  fail(reason: Error): void {
    const rest = this.line.slice(this.head);
    this.line = [];
    this.head = 0;
    for (const waiter of rest) waiter.reject(reason);
  }
}
