/**
 * Where messages lie in the log, by hashes of topic and message id: the newest ones, in log order.
 *
 *     buckets   [ b0 ][ b1 ] ...        number of the newest entry whose `low` falls into it
 *     pages     [ page ][ page ] ...    4096 entries each: a cell, and the position
 *     cell      [ low ][ high ][ link ][ ageMs ]    4 bytes each; a search reads one cache line an entry
 *               link: the entry before it in the same bucket; ageMs: after the page's first one
 *
 * Entries are numbered as they come (mod 2^32) and go in the same order, so nothing is unlinked: a
 * chain ends where it reaches a number that is gone. A page takes 96 KiB and is freed with its last
 * entry. An entry has two to eight buckets of 4 bytes each, so that few searches look at another one.
 */
const PAGE_ENTRIES = 4096;
const PAGE_SHIFT = 12;
const ENTRY_BYTES = 24;
/** Words of a cell. */
const CELL_SHIFT = 2;
const HIGH = 1;
const LINK = 2;
const AGE = 3;
const LEAST_BUCKETS = 1024;
/** Entries of one bucket that a search looks at; chance makes no such chain. */
const MAX_STEPS = 64;

class Page {
  readonly cells = new Uint32Array(PAGE_ENTRIES << CELL_SHIFT);
  readonly positions = new Float64Array(PAGE_ENTRIES);
  lastMs: number;

  constructor(readonly firstMs: number) {
    this.lastMs = firstMs;
  }

  /** Store time of the i-th entry. */
  storedMs(i: number): number {
    return this.firstMs + (this.cells[(i << CELL_SHIFT) + AGE] ?? 0);
  }
}

/** A place in the log. */
export interface KnownPlace {
  readonly physicalOffset: number;
  /** Milliseconds since the epoch. */
  readonly storedMs: number;
}

export class DuplicateTable {
  private pages: Page[] = [];
  /** Number of the first page's first entry; of the first entry that is left; of the next one. Not wrapped. */
  private base: number;
  private first: number;
  private next: number;
  private buckets = new Uint32Array(0);

  /**
   * @param maxEntries beyond, the oldest entry goes; at least 1
   * @param firstNumber of the first entry, for tests of what happens past 2^32
   */
  constructor(
    private readonly maxEntries: number,
    firstNumber = 0,
  ) {
    this.base = this.first = this.next = firstNumber;
  }

  get size(): number {
    return this.next - this.first;
  }

  /** Bytes of the typed arrays. */
  get bytes(): number {
    return this.pages.length * PAGE_ENTRIES * ENTRY_BYTES + this.buckets.byteLength;
  }

  /** Store time of the oldest entry, `undefined` without one. */
  get oldestMs(): number | undefined {
    const page = this.pages[0];
    if (page === undefined || this.size === 0) return undefined;
    return page.storedMs(this.first - this.base);
  }

  /** The newest entry with these hashes. Hot path. */
  find(low: number, high: number): KnownPlace | undefined {
    const { buckets } = this;
    if (buckets.length === 0) return undefined;
    let number = buckets[low & (buckets.length - 1)] ?? 0;
    // How many entries lie before this one, counted in 2^32: those that are gone have a larger number.
    let rank = (number - this.first) >>> 0;
    const size = this.next - this.first;
    for (let steps = 0; rank < size && steps < MAX_STEPS; steps++) {
      const at = this.first - this.base + rank;
      const page = this.pages[at >>> PAGE_SHIFT];
      const i = at & (PAGE_ENTRIES - 1);
      if (page === undefined) return undefined;
      const cell = i << CELL_SHIFT;
      if (page.cells[cell] === low && page.cells[cell + HIGH] === high) {
        return { physicalOffset: page.positions[i] ?? 0, storedMs: page.storedMs(i) };
      }
      number = page.cells[cell + LINK] ?? 0;
      const before = (number - this.first) >>> 0;
      if (before >= rank) return undefined;
      rank = before;
    }
    return undefined;
  }

  /**
   * Adds an entry behind all others. Hot path.
   * @param storedMs not below the last one's; else it counts as that
   */
  add(low: number, high: number, physicalOffset: number, storedMs: number): void {
    if (this.size >= this.maxEntries) this.dropFirst();
    if (this.size * 2 >= this.buckets.length) this.resize(this.buckets.length * 2);
    const at = this.next - this.base;
    const page = this.pages[at >>> PAGE_SHIFT] ?? this.newPage(storedMs);
    const i = at & (PAGE_ENTRIES - 1);
    page.lastMs = Math.max(page.lastMs, storedMs);
    const bucket = low & (this.buckets.length - 1);
    const cell = i << CELL_SHIFT;
    page.cells[cell] = low;
    page.cells[cell + HIGH] = high;
    page.cells[cell + LINK] = this.buckets[bucket] ?? 0;
    page.cells[cell + AGE] = Math.min(page.lastMs - page.firstMs, 0xffffffff);
    page.positions[i] = physicalOffset;
    this.buckets[bucket] = this.next;
    this.next++;
  }

  /** Adds all entries of another table behind its own. */
  addAll(other: DuplicateTable): void {
    for (let number = other.first; number < other.next; number++) {
      const at = number - other.base;
      const page = other.pages[at >>> PAGE_SHIFT];
      if (page === undefined) break;
      const i = at & (PAGE_ENTRIES - 1);
      const cell = i << CELL_SHIFT;
      const [low, high] = [page.cells[cell] ?? 0, page.cells[cell + HIGH] ?? 0];
      this.add(low, high, page.positions[i] ?? 0, page.storedMs(i));
    }
  }

  /** Drops all entries that were stored before `timeMs`, and frees what they took. */
  dropBefore(timeMs: number): void {
    for (let page = this.pages[0]; page !== undefined && this.size > 0; page = this.pages[0]) {
      const end = Math.min(this.base + PAGE_ENTRIES, this.next);
      if (page.lastMs < timeMs) this.first = end;
      while (this.first < end && page.storedMs(this.first - this.base) < timeMs) this.first++;
      if (this.first < end) break;
      this.freePage();
    }
    if (this.size === 0) this.clear();
    else if (this.size * 8 < this.buckets.length) this.resize(this.size * 4);
  }

  private clear(): void {
    this.pages = [];
    this.base = this.first = this.next;
    this.buckets = new Uint32Array(0);
  }

  private dropFirst(): void {
    this.first++;
    if (this.first === this.base + PAGE_ENTRIES) this.freePage();
  }

  /** The first page goes once none of its entries is left; the last one stays while it is being filled. */
  private freePage(): void {
    if (this.first < this.base + PAGE_ENTRIES) return;
    this.pages.shift();
    this.base += PAGE_ENTRIES;
  }

  private newPage(firstMs: number): Page {
    const page = new Page(Math.max(firstMs, this.pages.at(-1)?.lastMs ?? 0));
    this.pages.push(page);
    return page;
  }

  /** Links all entries anew. */
  private resize(atLeast: number): void {
    let length = LEAST_BUCKETS;
    while (length < atLeast) length *= 2;
    if (length === this.buckets.length) return;
    const buckets = new Uint32Array(length);
    // A number that is gone: the one before the first.
    buckets.fill(this.first - 1);
    for (let number = this.first; number < this.next; number++) {
      const page = this.pages[(number - this.base) >>> PAGE_SHIFT];
      if (page === undefined) break;
      const i = (number - this.base) & (PAGE_ENTRIES - 1);
      const cell = i << CELL_SHIFT;
      const bucket = (page.cells[cell] ?? 0) & (length - 1);
      page.cells[cell + LINK] = buckets[bucket] ?? 0;
      buckets[bucket] = number;
    }
    this.buckets = buckets;
  }
}
