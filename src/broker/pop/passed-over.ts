/**
 * Queues of a PRIORITY topic that pops of a group have passed over: something is ready there, but higher priorities
 * filled the answers. The Map keeps them in the order in which that began, so the first one has waited longest.
 */
export class PassedOver {
  /** Queue id to the monotonic time of the first pop that passed over it. */
  private readonly sinceMs = new Map<number, number>();

  has(queueId: number): boolean {
    return this.sinceMs.has(queueId);
  }

  /** The queue that has waited longest, once that is `maxMs` or more. */
  overdue(nowMs: number, maxMs: number): number | undefined {
    for (const [queueId, sinceMs] of this.sinceMs) {
      return nowMs - sinceMs >= maxMs ? queueId : undefined;
    }
    return undefined;
  }

  /** A pop ended before it came to the queue. */
  add(queueId: number, nowMs: number): void {
    if (!this.sinceMs.has(queueId)) this.sinceMs.set(queueId, nowMs);
  }

  /** A pop took from the queue, or found nothing to take. */
  delete(queueId: number): void {
    this.sinceMs.delete(queueId);
  }
}
