/** Records that were appended and are not visible yet, in log order: their ConsumeQueue entries to be. */
import type { ConsumeQueue } from './consume-queue';

export interface PendingEntry {
  /** `undefined` for a record without an entry (half and rollback records of old transactions). */
  readonly queue: ConsumeQueue | undefined;
  readonly physicalOffset: number;
  readonly endOffset: number;
  readonly tagsCode: number;
  readonly storeTimestamp: number;
}

export class PendingEntries {
  private entries: PendingEntry[] = [];
  private head = 0;

  push(entry: PendingEntry): void {
    this.entries.push(entry);
  }

  /** Takes the oldest entry if its record ends at or below `visible`. */
  shift(visible: number): PendingEntry | undefined {
    const entry = this.entries[this.head];
    if (entry === undefined || entry.endOffset > visible) {
      this.compact();
      return undefined;
    }
    this.head++;
    return entry;
  }

  private compact(): void {
    if (this.head * 2 <= this.entries.length) return;
    this.entries = this.entries.slice(this.head);
    this.head = 0;
  }
}
