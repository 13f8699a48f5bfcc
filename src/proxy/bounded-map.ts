import { OldestFirst } from '../message/oldest-first';

/** A map with a bound: when it is full, the entry that was used least recently goes. */
export class BoundedMap<K, V> {
  private readonly map = new OldestFirst<K, V>();

  constructor(private readonly max: number) {}

  get(key: K): V | undefined {
    const value = this.map.get(key);
    if (value === undefined) return undefined;
    this.map.renew(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.map.renew(key, value);
    if (this.map.size > this.max) this.map.delete(this.map.oldest ?? key);
  }

  delete(key: K): void {
    this.map.delete(key);
  }

  get size(): number {
    return this.map.size;
  }
}
