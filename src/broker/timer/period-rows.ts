/**
 * The messages of one period in memory: a row each in columns, by position (records are appended in
 * that order), and a heap of the rows that wait, the earliest due first. 46 bytes a message.
 */
import { EntryKind, type IdHash, type TimerEntry } from './timer-entry';

const FIRST_ROWS = 64;

export class PeriodRows {
  private due = new Float64Array(FIRST_ROWS);
  private positions = new Float64Array(FIRST_ROWS);
  private offsets = new Float64Array(FIRST_ROWS);
  private lengths = new Uint32Array(FIRST_ROWS);
  private high = new Uint32Array(FIRST_ROWS);
  private low = new Uint32Array(FIRST_ROWS);
  private states = new Uint8Array(FIRST_ROWS);
  private heap = new Uint32Array(FIRST_ROWS);
  private count = 0;
  private heaped = 0;

  /** Applies an entry. One that is known already changes nothing. */
  apply(entry: TimerEntry): void {
    if (entry.kind === EntryKind.WAITING) {
      this.add(entry);
      return;
    }
    const row = this.rowAt(entry.position);
    // A delivery has happened, whatever else the log tells.
    const delivered = entry.kind === EntryKind.DELIVERED;
    if (row !== undefined && (delivered || this.waits(row))) this.states[row] = entry.kind;
  }

  /** The row of the waiting record at a position. */
  rowAt(position: number): number | undefined {
    const row = this.lowerBound(position);
    return row < this.count && this.positions[row] === position ? row : undefined;
  }

  waits(row: number): boolean {
    return this.states[row] === EntryKind.WAITING;
  }

  entry(row: number): TimerEntry {
    return {
      kind: this.states[row] as EntryKind,
      bytes: this.lengths[row] ?? 0,
      dueMs: this.due[row] ?? 0,
      position: this.positions[row] ?? 0,
      queueOffset: this.offsets[row] ?? 0,
      idHash: { high: this.high[row] ?? 0, low: this.low[row] ?? 0 },
    };
  }

  /** Rows of messages that are probably the one asked for, whatever has become of them. */
  withHash({ high, low }: IdHash, dueMs: number): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.count; row++) {
      if (this.low[row] === low && this.high[row] === high && this.due[row] === dueMs) {
        rows.push(row);
      }
    }
    return rows;
  }

  /** Rows that wait whose record lies below a position. */
  *waitingBelow(position: number): Generator<number> {
    for (let row = 0; row < this.count && (this.positions[row] ?? 0) < position; row++) {
      if (this.waits(row)) yield row;
    }
  }

  /** Up to `max` rows that wait, the earliest due first. */
  earliest(max: number): number[] {
    const found: number[] = [];
    for (let row = 0; row < this.count; row++) {
      const last = found.at(-1);
      const full = found.length === max;
      if (!this.waits(row) || (full && last !== undefined && this.before(last, row))) continue;
      const at = found.findLastIndex((other) => this.before(other, row)) + 1;
      found.splice(at, 0, row);
      if (full) found.pop();
    }
    return found;
  }

  /** The lowest position of a record that waits, Infinity without one. */
  get lowest(): number {
    for (let row = 0; row < this.count; row++) if (this.waits(row)) return this.positions[row] ?? 0;
    return Infinity;
  }

  /** Rows that wait. */
  get waiting(): number {
    let waiting = 0;
    for (let row = 0; row < this.count; row++) if (this.waits(row)) waiting++;
    return waiting;
  }

  /** When the next message is due, Infinity when none waits that was not taken. */
  get nextDueMs(): number {
    for (let row = this.heap[0]; this.heaped > 0 && row !== undefined; row = this.heap[0]) {
      if (this.waits(row)) return this.due[row] ?? 0;
      this.pop();
    }
    return Infinity;
  }

  /** Takes the next message if it is due by `nowMs`; `giveBack` undoes it. */
  takeDue(nowMs: number): number | undefined {
    return this.nextDueMs <= nowMs ? this.pop() : undefined;
  }

  giveBack(row: number): void {
    if (this.waits(row)) this.push(row);
  }

  private add(entry: TimerEntry): void {
    let row = this.lowerBound(entry.position);
    if (row < this.count && this.positions[row] === entry.position) return;
    if (this.count === this.due.length) this.grow();
    // Out of order only when the log is replayed after records were written anew.
    if (row < this.count) this.shift(row);
    else row = this.count;
    this.count++;
    this.due[row] = entry.dueMs;
    this.positions[row] = entry.position;
    this.offsets[row] = entry.queueOffset;
    this.lengths[row] = entry.bytes;
    this.high[row] = entry.idHash.high;
    this.low[row] = entry.idHash.low;
    this.states[row] = EntryKind.WAITING;
    this.push(row);
  }

  /** Makes room for a row before the end. */
  private shift(row: number): void {
    for (const column of this.columns()) column.copyWithin(row + 1, row, this.count);
    for (let at = 0; at < this.heaped; at++) {
      const moved = this.heap[at] ?? 0;
      if (moved >= row) this.heap[at] = moved + 1;
    }
  }

  private columns(): readonly (Float64Array | Uint32Array | Uint8Array)[] {
    const { due, positions, offsets, lengths, high, low, states } = this;
    return [due, positions, offsets, lengths, high, low, states];
  }

  /** The first row at or above a position. */
  private lowerBound(position: number): number {
    let from = 0;
    let to = this.count;
    if (to > 0 && (this.positions[to - 1] ?? 0) < position) return to;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.positions[middle] ?? 0) < position) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  private before(a: number, b: number): boolean {
    const dueA = this.due[a] ?? 0;
    const dueB = this.due[b] ?? 0;
    return dueA === dueB ? a < b : dueA < dueB;
  }

  private push(row: number): void {
    let at = this.heaped++;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = this.heap[parent] ?? 0;
      if (this.before(above, row)) break;
      this.heap[at] = above;
      at = parent;
    }
    this.heap[at] = row;
  }

  private pop(): number {
    const first = this.heap[0] ?? 0;
    const row = this.heap[--this.heaped] ?? 0;
    let at = 0;
    for (let child = 1; child < this.heaped; child = 2 * at + 1) {
      const right = child + 1;
      if (right < this.heaped && this.before(this.heap[right] ?? 0, this.heap[child] ?? 0)) {
        child = right;
      }
      const below = this.heap[child] ?? 0;
      if (this.before(row, below)) break;
      this.heap[at] = below;
      at = child;
    }
    this.heap[at] = row;
    return first;
  }

  private grow(): void {
    const rows = this.count * 2;
    const float = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(rows);
      grown.set(old);
      return grown;
    };
    const word = (old: Uint32Array): Uint32Array<ArrayBuffer> => {
      const grown = new Uint32Array(rows);
      grown.set(old);
      return grown;
    };
    this.due = float(this.due);
    this.positions = float(this.positions);
    this.offsets = float(this.offsets);
    this.lengths = word(this.lengths);
    this.high = word(this.high);
    this.low = word(this.low);
    this.heap = word(this.heap);
    const states = new Uint8Array(rows);
    states.set(this.states);
    this.states = states;
  }
}
