import type { Http2Stream } from './stream';

const FIRST_PLACES = 16;
const MAX_PLACES = 4096;

/**
 * A connection's open streams by their id. Ids only grow, so a ring finds nearly all of them:
 *
 *     place   0    1    2    3  ...         (id >> 1) & (places - 1)
 *             33   35   --   7              7 is open for long; when 39 needs its place it moves aside
 *
 * (A Map that streams come to and go from all the time is rebuilt again and again, and the tables that it leaves behind
 * keep whole calls from being collected young.)
 */
export class OpenStreams {
  private ring: (Http2Stream | undefined)[] = new Array<undefined>(FIRST_PLACES).fill(undefined);
  /** Those whose place in the ring a later stream took. */
  private readonly aside = new Map<number, Http2Stream>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get(streamId: number): Http2Stream | undefined {
    const stream = this.ring[this.placeOf(streamId)];
    if (stream?.id === streamId) return stream;
    return this.aside.size === 0 ? undefined : this.aside.get(streamId);
  }

  /** Adds a stream, whose id is not in here. */
  add(stream: Http2Stream): void {
    if (++this.count * 2 > this.ring.length && this.ring.length < MAX_PLACES) this.grow();
    this.put(stream);
  }

  /** Removes a stream, which is in here. */
  delete(stream: Http2Stream): void {
    this.count--;
    const place = this.placeOf(stream.id);
    if (this.ring[place] === stream) this.ring[place] = undefined;
    else this.aside.delete(stream.id);
  }

  /** All of them; what the caller does to them does not matter to the answer. */
  all(): Http2Stream[] {
    const streams = this.ring.filter((stream) => stream !== undefined);
    return [...streams, ...this.aside.values()];
  }

  private put(stream: Http2Stream): void {
    const place = this.placeOf(stream.id);
    const before = this.ring[place];
    if (before !== undefined) this.aside.set(before.id, before);
    this.ring[place] = stream;
  }

  private grow(): void {
    const streams = this.all();
    this.ring = new Array<undefined>(this.ring.length * 2).fill(undefined);
    this.aside.clear();
    for (const stream of streams) this.put(stream);
  }

  private placeOf(streamId: number): number {
    return (streamId >>> 1) & (this.ring.length - 1);
  }
}
