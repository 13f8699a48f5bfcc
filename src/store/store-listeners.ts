/** Who listens to a store. A listener that throws is logged and harms nobody else. */
import type { Logger } from 'pino';
import type { RemovalPlan } from './message-store';

export class StoreListeners {
  readonly arrival: ((topic: string, queueId: number, maxOffset: number) => void)[] = [];
  readonly failure: ((failure: Error) => void)[] = [];
  readonly full: ((reason: string | undefined) => void)[] = [];
  readonly progress = new Set<() => void>();
  readonly followed = new Set<(record: Buffer) => void>();
  readonly removal: ((plan: RemovalPlan) => Promise<void>)[] = [];

  constructor(private readonly log: Logger) {}

  arrived(topic: string, queueId: number, maxOffset: number): void {
    for (const listener of this.arrival) this.tell(() => listener(topic, queueId, maxOffset));
  }

  failed(failure: Error): void {
    for (const listener of this.failure) this.tell(() => listener(failure));
  }

  progressed(): void {
    for (const listener of this.progress) this.tell(listener);
  }

  becameFull(reason: string | undefined): void {
    for (const listener of this.full) this.tell(() => listener(reason));
  }

  /** Asks all who have state in segments that go, one after the other. */
  async prepare(plan: RemovalPlan): Promise<void> {
    for (const prepare of this.removal) await prepare(plan);
  }

  private tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.log.error({ err: error }, 'a listener of the store has thrown');
    }
  }
}
