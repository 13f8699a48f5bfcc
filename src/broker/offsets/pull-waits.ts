/** Pulls that wait for a queue to grow. */
import { Code, StatusError } from '../../message/status';
import type { Timers } from '../../platform/platform';

interface Wait {
  readonly topic: string;
  readonly end: (error?: StatusError) => void;
}

export class PullWaits {
  private readonly byQueue = new Map<string, Set<Wait>>();
  private count = 0;

  /** @param limits waits in all, and on one queue */
  constructor(
    private readonly timers: Timers,
    private readonly limits: { readonly maxPolls: number; readonly maxPollsPerLedger: number },
  ) {}

  /**
   * Resolves when the queue has grown, the time is over or `signal` fires.
   * @throws StatusError TOO_MANY_REQUESTS, and what `failAll` is called with
   */
  wait(topic: string, queueId: number, waitMs: number, signal: AbortSignal): Promise<void> {
    const key = keyOf(topic, queueId);
    const waits = this.byQueue.get(key) ?? new Set<Wait>();
    this.checkRoom(topic, waits.size);
    return new Promise((resolve, reject) => {
      const end = (error?: StatusError): void => {
        if (!waits.delete(wait)) return;
        if (waits.size === 0) this.byQueue.delete(key);
        this.count--;
        timer.cancel();
        signal.removeEventListener('abort', stop);
        if (error === undefined) resolve();
        else reject(error);
      };
      const stop = (): void => end();
      const wait: Wait = { topic, end };
      waits.add(wait);
      this.byQueue.set(key, waits);
      this.count++;
      const timer = this.timers.after(waitMs, stop);
      signal.addEventListener('abort', stop, { once: true });
    });
  }

  arrived(topic: string, queueId: number): void {
    for (const wait of [...(this.byQueue.get(keyOf(topic, queueId)) ?? [])]) wait.end();
  }

  /** @param topic `undefined`: the waits of all topics */
  failAll(topic: string | undefined, error: StatusError): void {
    for (const waits of [...this.byQueue.values()]) {
      for (const wait of [...waits]) {
        if (topic === undefined || wait.topic === topic) wait.end(error);
      }
    }
  }

  private checkRoom(topic: string, here: number): void {
    const { maxPolls, maxPollsPerLedger } = this.limits;
    if (here >= maxPollsPerLedger)
      throw tooMany(here, `on a queue of topic ${topic}`, maxPollsPerLedger);
    if (this.count >= maxPolls) throw tooMany(this.count, 'on this broker', maxPolls);
  }
}

function tooMany(count: number, where: string, limit: number): StatusError {
  return new StatusError(
    Code.TOO_MANY_REQUESTS,
    `${count} pulls wait ${where}, the limit is ${limit}`,
  );
}

function keyOf(topic: string, queueId: number): string {
  return `${topic} ${queueId}`;
}
