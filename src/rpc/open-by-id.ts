const FIRST_PLACES = 16;
const MAX_PLACES = 4096;

/**
 * What is open of a sequence, streams or calls, by its id. Ids only grow, so a ring finds nearly all of them:
 *
 *     place   0    1    2    3  ...         (id / step) & (places - 1), here with a step of 2
 *             33   35   --   7              7 is open for long; when 39 needs its place it moves aside
 *
 * (A Map that calls come to and go from all the time is rebuilt again and again, and the tables that it leaves behind
 * keep whole calls from being collected young.)
 */
export class OpenById<T extends { readonly id: number }> {
  private ring: (T | undefined)[] = new Array<undefined>(FIRST_PLACES).fill(undefined);
  /** Those whose place in the ring a later stream took. */
  private readonly aside = new Map<number, T>();
  private count = 0;
  private readonly shift: number;

  /** @param step how far ids are apart */
  constructor(step: 1 | 2) {
    this.shift = step - 1;
  }

  get size(): number {
    return this.count;
  }

  get(id: number): T | undefined {
    const member = this.ring[this.placeOf(id)];
    if (member?.id === id) return member;
    return this.aside.size === 0 ? undefined : this.aside.get(id);
  }

  /** Adds a member, whose id is not in here. */
  add(member: T): void {
    if (++this.count * 2 > this.ring.length && this.ring.length < MAX_PLACES) this.grow();
    this.put(member);
  }

  /** Removes a member, which is in here. */
  delete(member: T): void {
    this.count--;
    const place = this.placeOf(member.id);
    if (this.ring[place] === member) this.ring[place] = undefined;
    else this.aside.delete(member.id);
  }

  /** All of them; what the caller does to them does not matter to the answer. */
  all(): T[] {
    const members = this.ring.filter((member) => member !== undefined);
    return [...members, ...this.aside.values()];
  }

  private put(member: T): void {
    const place = this.placeOf(member.id);
    const before = this.ring[place];
    if (before !== undefined) this.aside.set(before.id, before);
    this.ring[place] = member;
  }

  private grow(): void {
    const members = this.all();
    this.ring = new Array<undefined>(this.ring.length * 2).fill(undefined);
    this.aside.clear();
    for (const member of members) this.put(member);
  }

  private placeOf(id: number): number {
    return (id >>> this.shift) & (this.ring.length - 1);
  }
}
