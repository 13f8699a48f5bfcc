/** How many messages wait, for each topic and each hour in which they are due. */
const HOUR_MS = 3_600_000;

/** Topic, then pairs of the hour's start and the messages due in it. */
export type TopicCounts = readonly (readonly [string, readonly (readonly [number, number])[]])[];

export class PendingCounts {
  private readonly topics = new Map<string, Map<number, number>>();
  private sum = 0;

  /** All that waits. */
  get total(): number {
    return this.sum;
  }

  /** All that waits for one topic. */
  totalOf(topic: string): number {
    let total = 0;
    for (const count of this.topics.get(topic)?.values() ?? []) total += count;
    return total;
  }

  /** Topics for which messages wait. */
  names(): readonly string[] {
    return [...this.topics.keys()];
  }

  add(topic: string, dueMs: number, change: number): void {
    const hourMs = Math.floor(dueMs / HOUR_MS) * HOUR_MS;
    let hours = this.topics.get(topic);
    if (hours === undefined) {
      hours = new Map();
      this.topics.set(topic, hours);
    }
    const count = (hours.get(hourMs) ?? 0) + change;
    if (count > 0) hours.set(hourMs, count);
    else hours.delete(hourMs);
    if (hours.size === 0) this.topics.delete(topic);
    this.sum += change;
  }

  snapshot(): TopicCounts {
    return [...this.topics].map(([topic, hours]) => [topic, [...hours].sort(([a], [b]) => a - b)]);
  }

  restore(counts: TopicCounts): void {
    for (const [topic, hours] of counts) {
      for (const [hourMs, count] of hours) this.add(topic, hourMs, count);
    }
  }
}
