/** Questions of other brokers that wait until a group of consumers has gone on. */
import { Code, StatusError } from '../../message/status';
import type { Timers } from '../../platform/platform';

interface GroupOnTopic {
  readonly group: string;
  readonly topic: string;
}

interface Wait extends GroupOnTopic {
  readonly wake: () => void;
}

/** Questions that wait, at most; beyond: TOO_MANY_REQUESTS. */
export const MAX_PROGRESS_WAITS = 10_000;

export class ProgressWaits {
  private readonly byTopic = new Map<string, Set<Wait>>();
  private count = 0;

  constructor(private readonly timers: Timers) {}

  /**
   * Resolves when the group may have gone on on the topic, after `limitMs`, or when `signal` fires.
   * @throws StatusError TOO_MANY_REQUESTS
   */
  async next({ group, topic }: GroupOnTopic, limitMs: number, signal: AbortSignal): Promise<void> {
    if (this.count >= MAX_PROGRESS_WAITS) {
      throw new StatusError(
        Code.TOO_MANY_REQUESTS,
        `flow limit: ${MAX_PROGRESS_WAITS} questions wait for groups of consumers`,
      );
    }
    await new Promise<void>((resolve) => {
      const timer = this.timers.after(limitMs, () => wait.wake());
      const stop = (): void => wait.wake();
      const wait: Wait = {
        ...{ group, topic },
        wake: () => {
          this.remove(wait);
          timer.cancel();
          signal.removeEventListener('abort', stop);
          resolve();
        },
      };
      signal.addEventListener('abort', stop, { once: true });
      this.add(wait);
    });
  }

  /** The group has finished something on the topic, or has begun on it. */
  wake({ group, topic }: GroupOnTopic): void {
    for (const wait of [...(this.byTopic.get(topic) ?? [])]) if (wait.group === group) wait.wake();
  }

  /** The topic has changed, or is gone. */
  wakeTopic(topic: string): void {
    for (const wait of [...(this.byTopic.get(topic) ?? [])]) wait.wake();
  }

  /** The broker closes. */
  wakeAll(): void {
    for (const topic of [...this.byTopic.keys()]) this.wakeTopic(topic);
  }

  private add(wait: Wait): void {
    const waits = this.byTopic.get(wait.topic) ?? new Set();
    waits.add(wait);
    this.byTopic.set(wait.topic, waits);
    this.count++;
  }

  private remove(wait: Wait): void {
    const waits = this.byTopic.get(wait.topic);
    if (waits?.delete(wait) !== true) return;
    this.count--;
    if (waits.size === 0) this.byTopic.delete(wait.topic);
  }
}
