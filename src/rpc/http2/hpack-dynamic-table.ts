import type { HeaderField } from './header-field';

/**
 * The fields that the peer asked to remember, newest first (RFC 7541, section 2.3.2).
 *
 *     index   0        1        2              a ring: the newest entry is at `head`,
 *           newest  ...      oldest  -> evicted      older ones follow towards lower places
 */
export class DynamicTable {
  private ring: (HeaderField | undefined)[] = new Array<undefined>(32);
  private head = 0;
  private count = 0;
  private bytes = 0;
  /** Counts changes, so that what was read from the table can be known to hold still. */
  version = 0;

  /** @param maxBytes the size that the peer may use now */
  constructor(private maxBytes: number) {}

  /** What the peer may use now, bytes. */
  get limit(): number {
    return this.maxBytes;
  }

  get size(): number {
    return this.count;
  }

  /** Entry `index`, 0 being the newest, or `undefined` when there is none. */
  at(index: number): HeaderField | undefined {
    if (index >= this.count) return undefined;
    return this.ring[(this.head - index) & (this.ring.length - 1)];
  }

  /** Adds an entry and evicts the oldest until all fit; one larger than the table empties it. */
  insert(field: HeaderField): void {
    this.version++;
    this.evictTo(this.maxBytes - field.bytes);
    if (field.bytes > this.maxBytes) return;
    if (this.count === this.ring.length) this.grow();
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.ring[this.head] = field;
    this.count++;
    this.bytes += field.bytes;
  }

  /** Changes the size that entries may take, and evicts what no longer fits. */
  resize(maxBytes: number): void {
    this.version++;
    this.maxBytes = maxBytes;
    this.evictTo(maxBytes);
  }

  private evictTo(bytes: number): void {
    const mask = this.ring.length - 1;
    while (this.count > 0 && this.bytes > bytes) {
      const place = (this.head - this.count + 1) & mask;
      this.bytes -= this.ring[place]?.bytes ?? 0;
      this.ring[place] = undefined;
      this.count--;
    }
  }

  /** Doubles the ring; the size limit bounds it, as every entry counts at least 32 bytes. */
  private grow(): void {
    const entries: (HeaderField | undefined)[] = [];
    for (let index = this.count - 1; index >= 0; index--) entries.push(this.at(index));
    this.head = entries.length - 1;
    this.ring = entries.concat(new Array<undefined>(entries.length));
  }
}
