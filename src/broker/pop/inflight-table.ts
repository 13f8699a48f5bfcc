/**
 * The messages that consumers hold, or held and lost, one row each, in columns of typed arrays:
 *
 *     queue     4  index of the queue's ledger, -1 in a free row
 *     offset    8  queue offset
 *     deadline  4  tick of the wheel at which the message comes again
 *     attempt   2  number of the delivery that the row stands for, 1 = first; one less once released
 *     nonce     4  names the delivery in its receipt handle
 *     owner     4  index of the client that holds it
 *     renewals  1  times the lease was extended; GIVEN_BACK once the delivery is not to count
 *     next      4  next row of the same wheel bucket, or of the free list
 *     prev      4  row before in the bucket; -2 - bucket in its first row; -1 when in no bucket
 *     group     4  hash of the message group; only once a FIFO group of consumers has received
 *
 * 35 bytes; with 4 in the ledger's page and 8 in its heap of ready offsets a message in flight costs
 * at most 47 bytes and no object. A row in a bucket is in flight; one in none is ready again. For FIFO
 * groups of consumers there are also rows of messages not delivered yet, behind others of their message
 * group: attempt 0, no owner, in no bucket.
 */
const FIRST_ROWS = 1024;
export const UNLINKED = -1;
const NO_ROW = -1;
const FREE = -1;
/** The owner of a message that nobody has had yet. */
export const NO_OWNER = -1;

/** In `renewals`: the delivery does not count as an attempt, and its lease is over. */
export const GIVEN_BACK = 255;

export class InflightTable {
  queue = new Int32Array(FIRST_ROWS);
  offset = new Float64Array(FIRST_ROWS);
  deadline = new Uint32Array(FIRST_ROWS);
  attempt = new Uint16Array(FIRST_ROWS);
  nonce = new Uint32Array(FIRST_ROWS);
  owner = new Int32Array(FIRST_ROWS);
  renewals = new Uint8Array(FIRST_ROWS);
  next = new Int32Array(FIRST_ROWS);
  prev = new Int32Array(FIRST_ROWS);
  private group: Int32Array | undefined;

  private freeHead = NO_ROW;
  private used = 0;
  private live = 0;

  /**
   * @param maxRows the most rows at a time; see `full`
   * @param onChange told of each row that a queue gains or loses
   */
  constructor(
    private readonly maxRows: number,
    private readonly onChange: (queue: number, change: 1 | -1) => void = () => undefined,
  ) {}

  get size(): number {
    return this.live;
  }

  get full(): boolean {
    return this.live >= this.maxRows;
  }

  /** One beyond the largest row number given out so far. */
  get rowLimit(): number {
    return this.used;
  }

  /** Whether a row number below `rowLimit` is in use. */
  isLive(row: number): boolean {
    return (this.queue[row] ?? FREE) !== FREE;
  }

  /** A new row, in no bucket. Check `full` before. */
  allocate(queue: number, offset: number, attempt: number, nonce: number, owner: number): number {
    let row = this.freeHead;
    if (row !== NO_ROW) {
      this.freeHead = this.next[row] ?? NO_ROW;
    } else {
      if (this.used === this.queue.length) this.grow();
      row = this.used++;
    }
    this.queue[row] = queue;
    this.offset[row] = offset;
    this.attempt[row] = attempt;
    this.nonce[row] = nonce;
    this.owner[row] = owner;
    this.renewals[row] = 0;
    this.prev[row] = UNLINKED;
    if (this.group !== undefined) this.group[row] = 0;
    this.live++;
    this.onChange(queue, 1);
    return row;
  }

  /** The hash of the row's message group, 0 for none. */
  groupOf(row: number): number {
    return this.group?.[row] ?? 0;
  }

  setGroup(row: number, hash: number): void {
    this.group ??= new Int32Array(this.queue.length);
    this.group[row] = hash;
  }

  /** Gives a row back; it must be in no bucket. */
  free(row: number): void {
    const queue = this.queue[row] ?? FREE;
    this.queue[row] = FREE;
    this.next[row] = this.freeHead;
    this.freeHead = row;
    this.live--;
    this.onChange(queue, -1);
  }

  private grow(): void {
    const rows = this.queue.length * 2;
    this.queue = grown(this.queue, new Int32Array(rows));
    this.offset = grown(this.offset, new Float64Array(rows));
    this.deadline = grown(this.deadline, new Uint32Array(rows));
    this.attempt = grown(this.attempt, new Uint16Array(rows));
    this.nonce = grown(this.nonce, new Uint32Array(rows));
    this.owner = grown(this.owner, new Int32Array(rows));
    this.renewals = grown(this.renewals, new Uint8Array(rows));
    this.next = grown(this.next, new Int32Array(rows));
    this.prev = grown(this.prev, new Int32Array(rows));
    if (this.group !== undefined) this.group = grown(this.group, new Int32Array(rows));
  }
}

function grown<T extends { set(from: ArrayLike<number>): void } & ArrayLike<number>>(
  from: T,
  to: T,
): T {
  to.set(from);
  return to;
}
