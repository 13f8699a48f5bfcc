/**
 * Those who wait for the log to reach a position. Positions are asked for in ascending order, so
 * the first in line is the first to be served, without a timer or a search for any of them.
 */
interface Waiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
  next: Waiter | undefined;
}

/** Linked, so that nobody who was served is kept, with all that hangs on the promise, until the line is empty. */
export class PositionWaiters {
  private first: Waiter | undefined;
  private last: Waiter | undefined;
  private count = 0;

  wait(position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { position, resolve, reject, next: undefined };
      if (this.last === undefined) this.first = waiter;
      else this.last.next = waiter;
      this.last = waiter;
      this.count++;
    });
  }

  get waiting(): number {
    return this.count;
  }

  /** Resolves all who wait for `position` or less. */
  reach(position: number): void {
    while (this.first !== undefined && this.first.position <= position) this.leave().resolve();
  }

  fail(reason: Error): void {
    while (this.first !== undefined) this.leave().reject(reason);
  }

  /** Takes the first out of the line, which is not empty. */
  private leave(): Waiter {
    const { first } = this;
    if (first === undefined) throw new RangeError('nobody waits');
    this.first = first.next;
    if (this.first === undefined) this.last = undefined;
    // Whoever is long gone must not keep those who came later.
    first.next = undefined;
    this.count--;
    return first;
  }
}
