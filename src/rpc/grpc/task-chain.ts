/** Tasks one after the other: at once while nothing is under way, else when what is before has ended. */
export class TaskChain {
  private last: Promise<void> | undefined;

  /** True while a task is under way: later ones wait. */
  get busy(): boolean {
    return this.last !== undefined;
  }

  /** @param task must not reject */
  run(task: () => void | Promise<void>): void {
    const work = this.last === undefined ? task() : this.last.then(task);
    if (work === undefined) return;
    const last = work.then(() => {
      if (this.last === last) this.last = undefined;
    });
    this.last = last;
  }
}
