/**
 * The newest index file, the one that takes entries. Its slots are in memory while it does, as the
 * file's own bytes (20 MB by default; pages that were never touched cost nothing), and so are the
 * newest entries. They reach the file in this order, so that after a crash the state of an earlier
 * `sync` can be had again:
 *
 *     entries, sync, slots and header, sync; then the caller notes the state (gantry/index.json)
 *
 * No slot on disk points to an entry that was not synced before it. So from slots newer than the
 * noted state the older ones follow: each later entry, the last one first, gives its slot back to
 * the entry before it.
 */
import type { FileHandle, Files } from '../../platform/platform';
import { CorruptIndexError } from './corrupt-index';
import {
  entryPosition,
  INDEX_ENTRY_BYTES,
  INDEX_HEADER_BYTES,
  indexFileBytes,
  SLOT_BYTES,
  slotPosition,
  timeDiffOf,
  writeIndexEntry,
  writeIndexHeader,
  type IndexGeometry,
  type IndexHeader,
} from './index-file';

const PAGE_BYTES = 4096;
/** One read or write of slots. */
const RUN_BYTES = 256 * 1024;
/** Entries of a block in memory, and of one read while slots are mended. */
const BLOCK_ENTRIES = 3276;
const ZEROS = Buffer.alloc(PAGE_BYTES);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class CurrentIndexFile {
  /** Header and slots as the file's bytes, when they are in memory. */
  private head: Buffer | undefined;
  private loading: Promise<void> | undefined;
  /** Numbers of pages of the head that differ from the file; slots do not cross pages. */
  private readonly dirtyPages = new Set<number>();
  /** Entries from number `firstPending` on, which the file does not have. */
  private pending: Buffer[] = [];
  private firstPending: number;
  private readonly state: Mutable<IndexHeader>;

  private constructor(
    private readonly handle: FileHandle,
    readonly name: string,
    readonly geometry: IndexGeometry,
    header: IndexHeader,
  ) {
    this.state = { ...header };
    this.firstPending = header.next;
  }

  /** Makes an empty file; its length is on stable storage, its name is once the directory is synced. */
  static async create(
    files: Files,
    path: string,
    name: string,
    geometry: IndexGeometry,
    header: IndexHeader,
  ): Promise<CurrentIndexFile> {
    const handle = await files.open(path, 'create');
    await handle.truncate(0);
    await handle.truncate(indexFileBytes(geometry));
    await handle.datasync();
    const file = new CurrentIndexFile(handle, name, geometry, header);
    file.head = Buffer.alloc(slotPosition(geometry.slots));
    return file;
  }

  /** Opens a file of which `header` is known to count. Its slots are read when they are needed. */
  static async open(
    files: Files,
    path: string,
    name: string,
    geometry: IndexGeometry,
    header: IndexHeader,
  ): Promise<CurrentIndexFile> {
    return new CurrentIndexFile(await files.open(path, 'write'), name, geometry, header);
  }

  get header(): IndexHeader {
    return this.state;
  }

  get full(): boolean {
    return this.state.next >= this.geometry.entries;
  }

  get loaded(): boolean {
    return this.head !== undefined;
  }

  /** Entries that the file does not have yet, bytes. */
  get pendingBytes(): number {
    return (this.state.next - this.firstPending) * INDEX_ENTRY_BYTES;
  }

  /** Files a record under a hash. Its slots must be loaded and it must have room. Hot path. */
  put(keyHash: number, physicalOffset: number, storeTimestamp: number): void {
    const { head, state } = this;
    if (head === undefined) throw new Error('the slots of the index file are not loaded');
    const number = state.next;
    if (number === 1) {
      state.beginTimestamp = storeTimestamp;
      state.beginPhysicalOffset = physicalOffset;
    }
    const at = slotPosition(keyHash % this.geometry.slots);
    const previous = head.readInt32BE(at);
    if (previous === 0) state.slotsInUse++;
    const diff = timeDiffOf(storeTimestamp, state.beginTimestamp);
    const inBlock = (number - this.firstPending) % BLOCK_ENTRIES;
    if (inBlock === 0) this.pending.push(Buffer.alloc(BLOCK_ENTRIES * INDEX_ENTRY_BYTES));
    const block = this.pending[this.pending.length - 1];
    if (block === undefined) throw new Error('no block for entries');
    const entryAt = inBlock * INDEX_ENTRY_BYTES;
    writeIndexEntry(block, entryAt, keyHash, physicalOffset, diff, previous);
    head.writeInt32BE(number, at);
    this.dirtyPages.add(Math.floor(at / PAGE_BYTES));
    state.endTimestamp = storeTimestamp;
    state.endPhysicalOffset = physicalOffset;
    state.next = number + 1;
  }

  /** Number of the newest entry of a slot's chain. @throws CorruptIndexError */
  async slot(slot: number): Promise<number> {
    while (this.head === undefined) await this.load();
    return this.head.readInt32BE(slotPosition(slot));
  }

  /** Reads the entries `from` .. `to`, `to` not among them; fewer where the file ends. */
  async entries(from: number, to: number): Promise<Buffer> {
    const bytes = Buffer.alloc((to - from) * INDEX_ENTRY_BYTES);
    const { firstPending, pending } = this;
    for (let number = Math.max(from, firstPending); number < to; number++) {
      const at = (number - firstPending) % BLOCK_ENTRIES;
      const block = pending[Math.floor((number - firstPending) / BLOCK_ENTRIES)];
      const source = at * INDEX_ENTRY_BYTES;
      block?.copy(bytes, (number - from) * INDEX_ENTRY_BYTES, source, source + INDEX_ENTRY_BYTES);
    }
    const inFile = Math.min(to, firstPending) - from;
    if (inFile > 0) {
      const target = bytes.subarray(0, inFile * INDEX_ENTRY_BYTES);
      await this.handle.read(target, entryPosition(this.geometry, from));
    }
    return bytes;
  }

  /** Writes the entries that the file does not have. */
  async writeEntries(): Promise<void> {
    const { pending, firstPending } = this;
    const { next } = this.state;
    if (next === firstPending) return;
    const inLast = (next - firstPending - 1) % BLOCK_ENTRIES;
    const whole = pending.map((block, i) =>
      i < pending.length - 1 ? block : block.subarray(0, (inLast + 1) * INDEX_ENTRY_BYTES),
    );
    await this.handle.write(whole, entryPosition(this.geometry, firstPending));
    this.pending = [];
    this.firstPending = next;
  }

  /** Brings all to stable storage; nothing may be put meanwhile. */
  async sync(): Promise<void> {
    await this.writeEntries();
    await this.handle.datasync();
    if (this.head !== undefined && this.dirtyPages.size > 0) await this.writeHead(this.head);
  }

  /** Frees the memory of the slots, after `sync`. */
  release(): void {
    if (this.dirtyPages.size === 0 && this.pendingBytes === 0) this.head = undefined;
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  /** Reads the slots, as they were when the header was noted. @throws CorruptIndexError */
  async load(): Promise<void> {
    if (this.head !== undefined) return;
    this.loading ??= this.readHead().finally(() => {
      this.loading = undefined;
    });
    await this.loading;
  }

  private async readHead(): Promise<void> {
    const { next, slotsInUse } = this.state;
    const head = Buffer.alloc(slotPosition(this.geometry.slots));
    const run = Buffer.allocUnsafeSlow(Math.min(RUN_BYTES, head.length));
    /** Where slots lie that point behind the noted entries. */
    const late: number[] = [];
    let inUse = 0;
    for (let from = 0; from < head.length; from += run.length) {
      const part = run.subarray(0, Math.min(run.length, head.length - from));
      if ((await this.handle.read(part, from)) < part.length) throw this.corrupt('it is cut off');
      // Pages of zeros are not copied: they would take memory then.
      for (let at = 0; at < part.length; at += PAGE_BYTES) {
        const page = part.subarray(at, at + PAGE_BYTES);
        if (page.equals(ZEROS.subarray(0, page.length))) continue;
        head.set(page, from + at);
        const end = from + at + page.length;
        for (let i = Math.max(from + at, INDEX_HEADER_BYTES); i < end; i += SLOT_BYTES) {
          const slot = head.readInt32BE(i);
          if (slot < 0 || slot >= this.geometry.entries) throw this.corrupt(`a slot is ${slot}`);
          if (slot > 0) inUse++;
          if (slot >= next) late.push(i);
        }
      }
    }
    if (late.length > 0) inUse -= await this.undo(head, late);
    if (inUse !== slotsInUse) {
      throw this.corrupt(`${inUse} slots are in use, ${slotsInUse} should be`);
    }
    this.head = head;
  }

  /** Takes later entries out of the slots at `late`; answers how many slots became empty. */
  private async undo(head: Buffer, late: readonly number[]): Promise<number> {
    const { next } = this.state;
    let emptied = 0;
    const largest = late.reduce((most, at) => Math.max(most, head.readInt32BE(at)), 0);
    for (let to = largest + 1; to > next;) {
      const from = Math.max(next, to - BLOCK_ENTRIES);
      const block = await this.entriesOnDisk(from, to);
      for (let number = to - 1; number >= from; number--) {
        const entryAt = (number - from) * INDEX_ENTRY_BYTES;
        const keyHash = block.readInt32BE(entryAt);
        const previous = block.readInt32BE(entryAt + 16);
        if (keyHash < 0) continue;
        const at = slotPosition(keyHash % this.geometry.slots);
        if (head.readInt32BE(at) !== number) continue;
        if (previous < 0 || previous >= number) throw this.corrupt('a chain does not go back');
        head.writeInt32BE(previous, at);
        this.dirtyPages.add(Math.floor(at / PAGE_BYTES));
        if (previous === 0) emptied++;
      }
      to = from;
    }
    if (late.some((at) => head.readInt32BE(at) >= next)) {
      throw this.corrupt(`slots point behind entry ${next - 1}, its last one`);
    }
    // Before those entries are overwritten: the way back leads over them.
    await this.writeHead(head);
    return emptied;
  }

  /** Writes the header and the slots that have changed; they are on stable storage when it resolves. */
  private async writeHead(head: Buffer): Promise<void> {
    writeIndexHeader(head, this.state);
    this.dirtyPages.add(0);
    for (const [from, to] of this.dirtyRuns()) {
      await this.handle.write([head.subarray(from, to)], from);
    }
    await this.handle.datasync();
    this.dirtyPages.clear();
  }

  private async entriesOnDisk(from: number, to: number): Promise<Buffer> {
    const bytes = Buffer.alloc((to - from) * INDEX_ENTRY_BYTES);
    await this.handle.read(bytes, entryPosition(this.geometry, from));
    return bytes;
  }

  /** Parts of the head that the file does not have, each of whole pages, ascending. */
  private dirtyRuns(): [number, number][] {
    const end = slotPosition(this.geometry.slots);
    const runs: [number, number][] = [];
    for (const page of [...this.dirtyPages].sort((a, b) => a - b)) {
      const from = page * PAGE_BYTES;
      const to = Math.min(from + PAGE_BYTES, end);
      const last = runs[runs.length - 1];
      if (last !== undefined && last[1] === from && from - last[0] < RUN_BYTES) last[1] = to;
      else runs.push([from, to]);
    }
    return runs;
  }

  private corrupt(why: string): CorruptIndexError {
    return new CorruptIndexError(this.name, why);
  }
}
