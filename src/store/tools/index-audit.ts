/**
 * Compares the index with the log, while the log is walked once from its first record to its last.
 * What the files must hold follows from the records alone: each key of each record is the next entry,
 * and goes before the entry that its slot had. The slots of one file (4 bytes each) are the memory for it.
 */
import type { StoredRecord } from '../../message/record';
import {
  INDEX_HEADER_BYTES,
  isIndexFileName,
  timeDiffOf,
  type IndexEntry,
  type IndexGeometry,
  type IndexHeader,
} from '../index/index-file';
import { hashesOfStored } from '../index/index-keys';
import { headSumOf, parseIndexMark, type IndexMark } from '../index/index-mark';
import type { Report } from './finding';
import { IndexFileReader, isNewer } from './index-file-reader';
import type { OfflineStore } from './offline-store';

const MARK = 'gantry/index.json';
/** Findings about the entries of one file; what is wrong once often is wrong everywhere. */
const FINDINGS_A_FILE = 20;
/** Slots that are compared with one read. */
const SLOTS_A_READ = 65_536;

/** A file while its entries are compared. */
interface OpenFile {
  readonly reader: IndexFileReader;
  readonly name: string;
  readonly header: IndexHeader;
  /** Whether `header` says what the whole file holds, not only the first part of it. */
  readonly full: boolean;
  /** The newest entry of each slot, so far. */
  readonly slots: Int32Array;
  next: number;
  findings: number;
}

export class IndexAudit {
  private mark: (IndexMark & IndexGeometry) | undefined;
  private readonly waiting: { readonly name: string; readonly full: boolean }[] = [];
  private file: OpenFile | undefined;
  /** Damaged bytes of the log below here: what their entries should be nobody knows. */
  private damagedFrom = -1;
  private damagedTo = -1;
  private checked = 0;
  private wholeFiles = true;
  /** Whether nothing but us has had the directory since the index was noted, and it was closed. */
  private exact = false;

  constructor(
    private readonly store: OfflineStore,
    private readonly report: Report,
    private readonly logStart: number,
  ) {}

  get entries(): number {
    return this.checked;
  }

  async open(): Promise<void> {
    const { files, layout, stoppedCleanly } = this.store;
    const visited = (await files.stat(layout.abortBackup)) !== undefined;
    this.exact = stoppedCleanly && !visited;
    const names = await files.list(layout.index);
    for (const name of names) {
      if (!isIndexFileName(name)) this.wrong(`index/${name}`, 'is no index file');
    }
    const bytes = await files.readFile(layout.indexMark);
    if (bytes === undefined) {
      if (names.length > 0) this.note('index', `there is no ${MARK}: it is built anew`);
      return;
    }
    const mark = parseIndexMark(bytes);
    if (mark === undefined) {
      this.wrong(MARK, 'its checksum is wrong: the index is built anew at the next start');
      return;
    }
    this.mark = mark;
    const noted = new Set(mark.files.map(([name]) => name));
    for (const name of names) {
      if (!isIndexFileName(name) || noted.has(name)) continue;
      const what = `${MARK} does not name it: it is removed at the next start`;
      if (this.exact) this.wrong(`index/${name}`, what);
      else this.note(`index/${name}`, what);
    }
    const last = mark.files.length - 1;
    this.waiting.push(...mark.files.map(([name], i) => ({ name, full: i < last })));
    await this.nextFile();
  }

  /** Compares the entries of a whole record. */
  async record(record: StoredRecord): Promise<void> {
    const { mark } = this;
    if (mark === undefined || this.file === undefined) return;
    const { physicalOffset } = record;
    if (physicalOffset > mark.position) return;
    const hashes = hashesOfStored(record);
    const count = physicalOffset < mark.position ? hashes.length : mark.skip;
    if (count === 0) return;
    await this.passTo(physicalOffset, hashes[0]);
    for (const [i, hash] of hashes.slice(0, count).entries()) {
      const found = await this.peek();
      if (found === undefined) {
        if (this.wholeFiles) this.wrong('index', `ends before the record at ${physicalOffset}`);
        this.file = undefined;
        return;
      }
      const { file, entry } = found;
      if (entry.physicalOffset !== physicalOffset && entry.keyHash !== hash) {
        this.wrongEntry(file, `${count - i} keys of the record at ${physicalOffset} have no entry`);
        return;
      }
      this.compare(file, entry, physicalOffset, hash, record.storeTimestamp);
      this.take(file, hash);
    }
  }

  /** Bytes of the log that are no record; their entries lead to a record that is lost. */
  async damage(from: number, to: number): Promise<void> {
    await this.passTo(from);
    this.damagedFrom = from;
    this.damagedTo = to;
    await this.passTo(to);
  }

  /** The log is at its end: entries that are left lead nowhere. */
  async finish(): Promise<void> {
    await this.passTo(Infinity);
    await this.close();
  }

  async close(): Promise<void> {
    await this.file?.reader.close();
    this.file = undefined;
  }

  /**
   * Passes the entries below `position`: no whole record with their keys lies there. The first one of
   * the hash `stop` is that of the record at `position`, wherever it points to.
   */
  private async passTo(position: number, stop?: number): Promise<void> {
    for (let found = await this.peek(); found !== undefined; found = await this.peek()) {
      const { file, entry } = found;
      if (entry.physicalOffset >= position && position < Infinity) return;
      const gone = entry.physicalOffset < this.logStart;
      if (!gone && entry.keyHash === stop) return;
      const damaged =
        entry.physicalOffset >= this.damagedFrom && entry.physicalOffset < this.damagedTo;
      if (!gone && !damaged) {
        this.wrongEntry(file, `points to ${entry.physicalOffset}, where no record of its key is`);
      }
      this.comparePrevious(file, entry, entry.keyHash);
      this.take(file, entry.keyHash);
    }
  }

  /** The next entry that should be compared; goes on to the next file behind the last one of a file. */
  private async peek(): Promise<{ file: OpenFile; entry: IndexEntry } | undefined> {
    for (let { file } = this; file !== undefined; { file } = this) {
      if (file.next < file.header.next) {
        return { file, entry: await file.reader.entry(file.next) };
      }
      await this.finishFile(file);
      await this.nextFile();
    }
    return undefined;
  }

  private compare(
    file: OpenFile,
    entry: IndexEntry,
    position: number,
    hash: number,
    storedMs: number,
  ): void {
    if (entry.keyHash !== hash) {
      this.wrongEntry(file, `has key hash ${entry.keyHash}, its record's is ${hash}`);
    }
    if (entry.physicalOffset !== position) {
      this.wrongEntry(file, `points to ${entry.physicalOffset}, its record lies at ${position}`);
    }
    const diff = timeDiffOf(storedMs, file.header.beginTimestamp);
    if (entry.timeDiffSeconds !== diff) {
      this.wrongEntry(file, `has time ${entry.timeDiffSeconds}, its record's is ${diff}`);
    }
    this.comparePrevious(file, entry, hash);
  }

  private comparePrevious(file: OpenFile, entry: IndexEntry, hash: number): void {
    const before = file.slots[hash % file.slots.length] ?? 0;
    if (hash < 0 || entry.previous === before) return;
    this.wrongEntry(file, `follows entry ${entry.previous} in its chain, not ${before}`);
  }

  private take(file: OpenFile, hash: number): void {
    if (hash >= 0) file.slots[hash % file.slots.length] = file.next;
    file.next++;
    this.checked++;
  }

  private async nextFile(): Promise<void> {
    await this.file?.reader.close();
    this.file = undefined;
    const next = this.waiting.shift();
    const { mark } = this;
    if (next === undefined || mark === undefined) return;
    const path = `index/${next.name}`;
    const reader = await IndexFileReader.open(this.store.files, this.store.layout.index, next.name);
    const fault = reader === undefined ? 'is missing' : await reader.lengthFault(mark);
    const header = reader && fault === undefined ? await this.header(reader, next) : undefined;
    if (reader === undefined || header === undefined) {
      if (fault !== undefined) this.wrong(path, `${fault}: the index is built anew from here`);
      await reader?.close();
      // What follows cannot be told apart from what is missing.
      this.waiting.length = 0;
      this.wholeFiles = false;
      return;
    }
    const slots = new Int32Array(mark.slots);
    this.file = { reader, ...next, header, slots, next: 1, findings: 0 };
  }

  /** What a file's header must be; `undefined` when it is not that and its entries cannot be counted. */
  private async header(
    reader: IndexFileReader,
    { name, full }: { readonly name: string; readonly full: boolean },
  ): Promise<IndexHeader | undefined> {
    const { mark } = this;
    if (mark === undefined) return undefined;
    const found = await reader.header();
    const noted = mark.files.find(([other]) => other === name);
    const isNoted = found !== undefined && headSumOf(found) === noted?.[1];
    if (full) {
      if (isNoted && found.next === mark.entries) return found;
      this.wrong(`index/${name}`, `its header is damaged, ${MARK} has another checksum of it`);
      return undefined;
    }
    // Before its first sync the header of a new file is all zeros.
    const untouched = mark.header.next === 1 && (await reader.isZero(0, INDEX_HEADER_BYTES));
    if (!isNoted && !untouched) {
      const what = `its header is another one than in ${MARK}`;
      if (this.exact) this.wrong(`index/${name}`, what);
      // A crash between the two: a newer one, of the same beginning.
      else if (!isNewer(found, mark.header)) this.wrong(`index/${name}`, what);
    }
    return mark.header;
  }

  private async finishFile(file: OpenFile): Promise<void> {
    const { reader, name, slots, header } = file;
    const path = `index/${name}`;
    if (!(await reader.isUnusedZero())) this.wrong(path, 'bytes in entry 0, which is not used');
    let inUse = 0;
    let wrong = 0;
    for (let first = 0; first < slots.length; first += SLOTS_A_READ) {
      const onDisk = await reader.slots(first, Math.min(slots.length, first + SLOTS_A_READ));
      for (const [i, newest] of onDisk.entries()) {
        const expected = slots[first + i] ?? 0;
        if (expected !== 0) inUse++;
        const counted =
          newest < header.next ? newest : await reader.before(first + i, newest, header.next);
        if (counted === expected || wrong++ >= FINDINGS_A_FILE) continue;
        const at = reader.slotAt(first + i);
        const what = `slot ${first + i} begins with entry ${newest}, its newest is ${expected}`;
        this.report({ kind: 'wrong', file: path, at, what });
      }
    }
    this.more(path, wrong);
    this.more(path, file.findings);
    if (file.findings + wrong === 0 && inUse !== header.slotsInUse) {
      this.wrong(path, `its header counts ${header.slotsInUse} slots in use, there are ${inUse}`);
    }
  }

  private more(file: string, findings: number): void {
    const more = findings - FINDINGS_A_FILE;
    if (more > 0) this.wrong(file, `${more} more like these`);
  }

  private wrongEntry(file: OpenFile, what: string): void {
    if (file.findings++ >= FINDINGS_A_FILE) return;
    const at = file.reader.entryAt(file.next);
    this.report({
      kind: 'wrong',
      file: `index/${file.name}`,
      at,
      what: `entry ${file.next} ${what}`,
    });
  }

  private wrong(file: string, what: string): void {
    this.report({ kind: 'wrong', file, what });
  }

  private note(file: string, what: string): void {
    this.report({ kind: 'note', file, what });
  }
}
