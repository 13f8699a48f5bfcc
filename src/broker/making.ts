/** What is made on first use: of many who need it at once, one makes it and all wait. */
export class Making<T> {
  private readonly running = new Map<string, Promise<T>>();

  /** What is being made under a name, or what `make` begins now. */
  once(name: string, make: () => Promise<T>): Promise<T> {
    const known = this.running.get(name);
    if (known !== undefined) return known;
    const made = make().finally(() => this.running.delete(name));
    this.running.set(name, made);
    return made;
  }
}
