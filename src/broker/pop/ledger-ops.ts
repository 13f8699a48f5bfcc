/**
 * Changes of ledgers as the log keeps them: the body of a `rmq_sys_POP_LEDGER` record.
 *
 *     body     version 1, op*
 *     op       kind 1, fields (numbers are varints where no size is given)
 *     name     0 length bytes (a new one of this record), or k for the k-th new one before
 *
 *     start    group topic generation count offset*                    where a group begins on a topic
 *     pop      group topic queue client renew invisibleMs nonce4 next base count (delta attempt)*
 *     ack      group topic queue base count delta*
 *     change   group topic queue offset invisibleMs nonce4 attempt
 *     release  group topic queue delayMs base count delta*
 *     queue    group topic queue generation committed next more count (offset attempt nonce4 client renew remainingMs)*
 *     end      begin                                                   a snapshot that began there is whole
 *
 * `pop`: every offset from the ledger's `next` to the new one that is not named is finished (filtered).
 * `queue` replaces all that is known of one queue: a snapshot is one for each queue, then `end`. A queue
 * with many rows takes several, `more` is 1 in all but the last; it counts only when the last is there.
 */
import { ByteReader, ByteWriter } from './varint';

const VERSION = 1;

export interface QueueRef {
  readonly group: string;
  readonly topic: string;
  readonly queueId: number;
}

export interface Lease {
  readonly client: string;
  readonly autoRenew: boolean;
}

export interface SnapshotRow extends Lease {
  readonly offset: number;
  readonly attempt: number;
  readonly nonce: number;
  /** Milliseconds until it comes again; 0 when ready. */
  readonly remainingMs: number;
}

export interface StartOp {
  readonly kind: 'start';
  readonly group: string;
  readonly topic: string;
  readonly generation: number;
  /** First offset to deliver, by queue id; queues beyond start at 0. */
  readonly offsets: readonly number[];
}

export interface PopOp extends QueueRef, Lease {
  readonly kind: 'pop';
  readonly invisibleMs: number;
  /** Nonce of the first delivery; the others follow by one. */
  readonly nonce: number;
  readonly next: number;
  /** Ascending within redelivered ones and within new ones. */
  readonly deliveries: readonly { readonly offset: number; readonly attempt: number }[];
}

export interface AckOp extends QueueRef {
  readonly kind: 'ack';
  readonly offsets: readonly number[];
}

export interface ChangeOp extends QueueRef {
  readonly kind: 'change';
  readonly offset: number;
  readonly invisibleMs: number;
  readonly nonce: number;
  readonly attempt: number;
}

export interface ReleaseOp extends QueueRef {
  readonly kind: 'release';
  readonly delayMs: number;
  readonly offsets: readonly number[];
}

export interface QueueOp extends QueueRef {
  readonly kind: 'queue';
  readonly generation: number;
  readonly committed: number;
  readonly next: number;
  /** Whether the next operation holds further rows of the queue. */
  readonly more: boolean;
  readonly rows: readonly SnapshotRow[];
}

export interface EndOp {
  readonly kind: 'end';
  /** Physical offset of the snapshot's first record. */
  readonly begin: number;
}

export type LedgerOp = StartOp | PopOp | AckOp | ChangeOp | ReleaseOp | QueueOp | EndOp;

const KINDS: readonly LedgerOp['kind'][] = [
  'start',
  'pop',
  'ack',
  'change',
  'release',
  'queue',
  'end',
];

/** Gathers changes into one record body. */
export class LedgerOpWriter {
  private readonly out = new ByteWriter();
  private names = new Map<string, number>();

  /** Bytes gathered; 0 when there is nothing to log. */
  get length(): number {
    return this.out.length;
  }

  add(op: LedgerOp): void {
    const { out } = this;
    if (out.length === 0) out.byte(VERSION);
    out.byte(KINDS.indexOf(op.kind));
    switch (op.kind) {
      case 'start':
        this.name(op.group);
        this.name(op.topic);
        out.varint(op.generation);
        out.varint(op.offsets.length);
        for (const offset of op.offsets) out.varint(offset);
        break;
      case 'pop':
        this.pop(op);
        break;
      case 'ack':
        this.queueRef(op);
        this.offsets(op.offsets);
        break;
      case 'change':
        this.queueRef(op);
        out.varint(op.offset);
        out.varint(op.invisibleMs);
        out.uint32(op.nonce);
        out.varint(op.attempt);
        break;
      case 'release':
        this.queueRef(op);
        out.varint(op.delayMs);
        this.offsets(op.offsets);
        break;
      case 'queue':
        this.queueRef(op);
        out.varint(op.generation);
        out.varint(op.committed);
        out.varint(op.next);
        out.byte(op.more ? 1 : 0);
        this.rows(op.rows);
        break;
      case 'end':
        out.varint(op.begin);
        break;
    }
  }

  take(): Buffer {
    this.names = new Map();
    return this.out.take();
  }

  private pop(op: PopOp): void {
    const { out } = this;
    this.queueRef(op);
    this.name(op.client);
    out.byte(op.autoRenew ? 1 : 0);
    out.varint(op.invisibleMs);
    out.uint32(op.nonce);
    out.varint(op.next);
    const base = smallest(op.deliveries.map(({ offset }) => offset));
    out.varint(base);
    out.varint(op.deliveries.length);
    for (const { offset, attempt } of op.deliveries) {
      out.varint(offset - base);
      out.varint(attempt);
    }
  }

  private queueRef(op: QueueRef): void {
    this.name(op.group);
    this.name(op.topic);
    this.out.varint(op.queueId);
  }

  private offsets(offsets: readonly number[]): void {
    const base = smallest(offsets);
    this.out.varint(base);
    this.out.varint(offsets.length);
    for (const offset of offsets) this.out.varint(offset - base);
  }

  private rows(rows: readonly SnapshotRow[]): void {
    const { out } = this;
    out.varint(rows.length);
    for (const row of rows) {
      out.varint(row.offset);
      out.varint(row.attempt);
      out.uint32(row.nonce);
      this.name(row.client);
      out.byte(row.autoRenew ? 1 : 0);
      out.varint(row.remainingMs);
    }
  }

  private name(name: string): void {
    const known = this.names.get(name);
    if (known !== undefined) {
      this.out.varint(known);
      return;
    }
    this.names.set(name, this.names.size + 1);
    this.out.varint(0);
    this.out.text(name);
  }
}

/**
 * Decodes a record body.
 * @throws RangeError when the bytes are no ledger record of this version
 */
export function decodeLedgerOps(body: Buffer): LedgerOp[] {
  return new LedgerOpReader(body).all();
}

class LedgerOpReader {
  private readonly input: ByteReader;
  private readonly names: string[] = [];

  constructor(body: Buffer) {
    this.input = new ByteReader(body);
    const version = this.input.byte();
    if (version !== VERSION) throw new RangeError(`ledger record of version ${version}`);
  }

  all(): LedgerOp[] {
    const ops: LedgerOp[] = [];
    while (!this.input.done) ops.push(this.op());
    return ops;
  }

  private op(): LedgerOp {
    const { input } = this;
    const number = input.byte();
    const kind = KINDS[number];
    if (kind === undefined) throw new RangeError(`unknown ledger operation ${number}`);
    switch (kind) {
      case 'start':
        return {
          kind,
          group: this.name(),
          topic: this.name(),
          generation: input.varint(),
          offsets: this.list(() => input.varint()),
        };
      case 'pop':
        return this.pop();
      case 'ack':
        return { kind, ...this.queueRef(), offsets: this.offsets() };
      case 'change':
        return {
          kind,
          ...this.queueRef(),
          offset: input.varint(),
          invisibleMs: input.varint(),
          nonce: input.uint32(),
          attempt: input.varint(),
        };
      case 'release':
        return { kind, ...this.queueRef(), delayMs: input.varint(), offsets: this.offsets() };
      case 'queue':
        return {
          kind,
          ...this.queueRef(),
          generation: input.varint(),
          committed: input.varint(),
          next: input.varint(),
          more: input.byte() === 1,
          rows: this.rows(),
        };
      case 'end':
        return { kind, begin: input.varint() };
    }
  }

  private pop(): PopOp {
    const { input } = this;
    const ref = this.queueRef();
    const client = this.name();
    const autoRenew = input.byte() === 1;
    const invisibleMs = input.varint();
    const nonce = input.uint32();
    const next = input.varint();
    const base = input.varint();
    const deliveries = this.list(() => ({
      offset: base + input.varint(),
      attempt: input.varint(),
    }));
    return { kind: 'pop', ...ref, client, autoRenew, invisibleMs, nonce, next, deliveries };
  }

  private queueRef(): QueueRef {
    return { group: this.name(), topic: this.name(), queueId: this.input.varint() };
  }

  private offsets(): number[] {
    const base = this.input.varint();
    return this.list(() => base + this.input.varint());
  }

  private rows(): SnapshotRow[] {
    const { input } = this;
    return this.list(() => ({
      offset: input.varint(),
      attempt: input.varint(),
      nonce: input.uint32(),
      client: this.name(),
      autoRenew: input.byte() === 1,
      remainingMs: input.varint(),
    }));
  }

  private list<T>(item: () => T): T[] {
    const count = this.input.varint();
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(item());
    return items;
  }

  private name(): string {
    const index = this.input.varint();
    if (index > 0) {
      const known = this.names[index - 1];
      if (known === undefined) throw new RangeError(`ledger record has no name ${index}`);
      return known;
    }
    const name = this.input.text();
    this.names.push(name);
    return name;
  }
}

function smallest(offsets: readonly number[]): number {
  let least = offsets[0] ?? 0;
  for (const offset of offsets) if (offset < least) least = offset;
  return least;
}
