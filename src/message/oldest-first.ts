/**
 * A map whose oldest entry is found at once, for caches with a bound and for queues of those who wait.
 *
 *     oldest <-> ... <-> newest       each also in a Map, by its key
 *
 * A `Map` alone is in order as well, but an iterator begins at the front of its table and walks over what was deleted
 * there until the table is made anew: with 200,000 entries, one out for each one in, that is hundreds of
 * microseconds each.
 */
interface Entry<K, V> {
  readonly key: K;
  value: V;
  older: Entry<K, V> | undefined;
  /** Kept by one that was deleted: who stands on it goes on from there. */
  newer: Entry<K, V> | undefined;
  deleted: boolean;
}

export class OldestFirst<K, V> {
  private readonly map = new Map<K, Entry<K, V>>();
  private first: Entry<K, V> | undefined;
  private last: Entry<K, V> | undefined;

  get size(): number {
    return this.map.size;
  }

  /** The oldest key, `undefined` without any. */
  get oldest(): K | undefined {
    return this.first?.key;
  }

  get(key: K): V | undefined {
    return this.map.get(key)?.value;
  }

  has(key: K): boolean {
    return this.map.has(key);
  }

  /** Adds the newest entry; a key that is there keeps its place. */
  set(key: K, value: V): void {
    const known = this.map.get(key);
    if (known !== undefined) {
      known.value = value;
      return;
    }
    const { last } = this;
    const entry = { key, value, older: last, newer: undefined, deleted: false };
    if (last === undefined) this.first = entry;
    else last.newer = entry;
    this.last = entry;
    this.map.set(key, entry);
  }

  /** Adds the newest entry, also where the key was an older one. */
  renew(key: K, value: V): void {
    this.delete(key);
    this.set(key, value);
  }

  delete(key: K): boolean {
    const entry = this.map.get(key);
    if (entry === undefined) return false;
    const { older, newer } = entry;
    if (older === undefined) this.first = newer;
    else older.newer = newer;
    if (newer === undefined) this.last = older;
    else newer.older = older;
    entry.older = undefined;
    entry.deleted = true;
    return this.map.delete(key);
  }

  /**
   * The oldest first. Entries may be deleted meanwhile; one that is added while the walk stands on a deleted one may
   * be passed over.
   */
  *values(): Generator<V> {
    for (let entry = this.first; entry !== undefined; entry = entry.newer) {
      if (!entry.deleted) yield entry.value;
    }
  }
}
