/** A binary heap of queue offsets, smallest first, in one typed array: 8 bytes an offset, nothing while there is none. */
const FIRST_CAPACITY = 16;
/** Shared by the empty ones: most queues have nothing that comes again. */
const NONE = new Float64Array(0);

export class OffsetHeap {
  private items = NONE;
  private count = 0;

  get size(): number {
    return this.count;
  }

  peek(): number | undefined {
    return this.count === 0 ? undefined : this.items[0];
  }

  push(offset: number): void {
    if (this.count === this.items.length) this.resize(Math.max(FIRST_CAPACITY, this.count * 2));
    const { items } = this;
    let at = this.count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] ?? 0;
      if (above <= offset) break;
      items[at] = above;
      at = parent;
    }
    items[at] = offset;
  }

  pop(): number | undefined {
    if (this.count === 0) return undefined;
    const { items } = this;
    const top = items[0] ?? 0;
    const last = items[--this.count] ?? 0;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.count) break;
      if (child + 1 < this.count && (items[child + 1] ?? 0) < (items[child] ?? 0)) child++;
      const below = items[child] ?? 0;
      if (below >= last) break;
      items[at] = below;
      at = child;
    }
    items[at] = last;
    if (items.length > FIRST_CAPACITY && this.count < items.length / 4) {
      this.resize(items.length / 2);
    }
    return top;
  }

  private resize(capacity: number): void {
    const items = new Float64Array(capacity);
    items.set(this.items.subarray(0, this.count));
    this.items = items;
  }
}
