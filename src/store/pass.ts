/** Work on many items, a few at a time, that can pause and go on. */

/** Says that it is time to pause. */
export type Pause = () => boolean;

export const never: Pause = () => false;

export class Pass<T> {
  private next = 0;

  /**
   * @param items what there is to do; those that are begun first come first
   * @param atOnce tasks that run at the same time, at most
   */
  constructor(
    private readonly items: readonly T[],
    private readonly atOnce: number,
    private readonly task: (item: T) => Promise<void>,
  ) {}

  /**
   * Goes on with what is left. No task runs any more when this resolves or rejects.
   * @returns whether nothing is left
   * @throws what the first task that failed has thrown; no other one is begun then
   */
  async run(pause: Pause = never): Promise<boolean> {
    const failures: unknown[] = [];
    const worker = async (): Promise<void> => {
      while (this.next < this.items.length && failures.length === 0 && !pause()) {
        const item = this.items[this.next++] as T;
        await this.task(item).catch((error: unknown) => failures.push(error));
      }
    };
    await Promise.all(Array.from({ length: this.atOnce }, worker));
    if (failures.length > 0) throw failures[0];
    return this.next >= this.items.length;
  }
}
