/** Looks records up in index files: hash, chain, record. */
import type { Timers } from '../../platform/platform';
import { CorruptIndexError } from './corrupt-index';
import {
  INDEX_ENTRY_BYTES,
  readIndexEntry,
  type IndexEntry,
  type IndexGeometry,
} from './index-file';
import type { IndexFiles, SealedIndexFile } from './index-files';

/** Entries of one read: a chain's entries often lie near each other. */
const BLOCK_ENTRIES = 204;
/** Entries looked at between two turns of the event loop. */
const STEPS_A_TURN = 1000;

/** What a search may cost; it ends when it is used up. */
export interface Budget {
  /** Entries that may still be looked at. */
  steps: number;
}

export interface TimeRange {
  /** Store times, milliseconds, both included. */
  readonly beginMs: number;
  readonly endMs: number;
}

/** A record that a file has under a hash. */
export interface Filed {
  /** Name of the index file. */
  readonly file: string;
  /** The record's position in the log. */
  readonly position: number;
}

/**
 * Records filed under a hash, newest first; their times are right to the second only, and other keys
 * may have the same hash. Ends early when the budget is used up.
 * @throws CorruptIndexError
 */
export async function* filedUnder(
  files: IndexFiles,
  timers: Timers,
  keyHash: number,
  range: TimeRange,
  budget: Budget,
): AsyncGenerator<Filed> {
  for (const file of files.newestFirst) {
    const { beginTimestamp, endTimestamp } = file.header;
    if (beginTimestamp > range.endMs || endTimestamp < range.beginMs) continue;
    yield* walk(new Chain(files, file, keyHash), timers, range, budget);
  }
}

async function* walk(
  chain: Chain,
  timers: Timers,
  range: TimeRange,
  budget: Budget,
): AsyncGenerator<Filed> {
  for (let entry = await chain.first(); entry !== undefined; entry = await chain.before(entry)) {
    if (budget.steps <= 0) return;
    budget.steps--;
    if (budget.steps % STEPS_A_TURN === 0) {
      await new Promise<void>((resolve) => {
        timers.nextTurn(resolve);
      });
    }
    const fromMs = chain.beginTimestamp + entry.timeDiffSeconds * 1000;
    if (fromMs + 999 < range.beginMs) return;
    if (entry.keyHash === chain.keyHash && fromMs <= range.endMs) {
      yield { file: chain.fileName, position: entry.physicalOffset };
    }
  }
}

/** The entries of one slot of one file. */
class Chain {
  private block: Buffer = Buffer.alloc(0);
  private blockFirst = 0;
  private number = 0;
  private readonly slot: number;
  private readonly geometry: IndexGeometry;

  constructor(
    private readonly files: IndexFiles,
    private readonly file: SealedIndexFile,
    readonly keyHash: number,
  ) {
    this.geometry = files.geometry;
    this.slot = keyHash % this.geometry.slots;
  }

  get fileName(): string {
    return this.file.name;
  }

  get beginTimestamp(): number {
    return this.file.header.beginTimestamp;
  }

  async first(): Promise<IndexEntry | undefined> {
    const number = await this.files.slotOf(this.file.name, this.slot);
    if (number < 0 || number >= this.geometry.entries) throw this.corrupt(`slot ${this.slot}`);
    return number === 0 ? undefined : this.entry(number);
  }

  async before(entry: IndexEntry): Promise<IndexEntry | undefined> {
    const { previous } = entry;
    if (previous < 0 || previous >= this.number) throw this.corrupt(`entry ${this.number}`);
    return previous === 0 ? undefined : this.entry(previous);
  }

  private async entry(number: number): Promise<IndexEntry> {
    const first = Math.max(1, number - BLOCK_ENTRIES + 1);
    if (number < this.blockFirst || this.block.length === 0) {
      this.block = await this.files.entriesOf(this.file.name, first, number + 1);
      this.blockFirst = first;
      this.checkOrder(number);
    }
    this.number = number;
    const entry = this.read(number);
    const { keyHash, timeDiffSeconds } = entry;
    if (keyHash < 0 || keyHash % this.geometry.slots !== this.slot || timeDiffSeconds < 0) {
      throw this.corrupt(`entry ${number}`);
    }
    return entry;
  }

  /** Entries are in the order of the log. */
  private checkOrder(last: number): void {
    let before = this.file.header.beginPhysicalOffset;
    for (let number = this.blockFirst; number <= last; number++) {
      const { physicalOffset } = this.read(number);
      if (physicalOffset < before) throw this.corrupt(`entry ${number}`);
      before = physicalOffset;
    }
  }

  private read(number: number): IndexEntry {
    try {
      return readIndexEntry(this.block, (number - this.blockFirst) * INDEX_ENTRY_BYTES);
    } catch {
      throw this.corrupt(`entry ${number}`);
    }
  }

  private corrupt(what: string): CorruptIndexError {
    return new CorruptIndexError(this.file.name, `${what} cannot be right`);
  }
}
