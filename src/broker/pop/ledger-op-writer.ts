/** Encoding of ledger operations; ./ledger-ops draws the layout. */
import {
  LEDGER_OP_KINDS,
  LEDGER_RECORD_VERSION,
  type LedgerOp,
  type PopOp,
  type QueueRef,
  type SnapshotRow,
} from './ledger-ops';
import { ByteWriter } from './varint';

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
    if (out.length === 0) out.byte(LEDGER_RECORD_VERSION);
    out.byte(LEDGER_OP_KINDS.indexOf(op.kind));
    switch (op.kind) {
      case 'start':
        this.name(op.group);
        this.name(op.topic);
        out.varint(op.generation);
        out.varint(op.offsets.length);
        for (const offset of op.offsets) out.varint(offset);
        break;
      case 'look':
        this.queueRef(op);
        this.messages(op.messages);
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
        out.byte((op.more ? 1 : 0) | (op.resets > 0 ? 2 : 0));
        if (op.resets > 0) out.varint(op.resets);
        this.rows(op.rows);
        break;
      case 'expire':
        this.queueRef(op);
        out.varint(op.min);
        break;
      case 'attempt':
        this.name(op.group);
        this.name(op.topic);
        out.varint(op.key);
        out.varint(op.deliveries.length);
        for (const { queueId, offset, attempt, nonce } of op.deliveries) {
          out.varint(queueId);
          out.varint(offset);
          out.varint(attempt);
          out.uint32(nonce);
        }
        break;
      case 'dead':
        this.queueRef(op);
        out.varint(op.generation);
        out.varint(op.offsets.length);
        for (const offset of op.offsets) out.varint(offset);
        break;
      case 'open':
        this.name(op.group);
        this.name(op.topic);
        out.varint(op.since);
        out.varint(op.opened);
        break;
      case 'drop':
        this.name(op.group);
        this.name(op.topic);
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
    out.byte((op.autoRenew ? 1 : 0) | (op.attemptKey === 0 ? 0 : 2));
    if (op.attemptKey !== 0) out.varint(op.attemptKey);
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

  private messages(messages: readonly { readonly offset: number; readonly group: number }[]): void {
    const base = messages[0]?.offset ?? 0;
    this.out.varint(base);
    this.out.varint(messages.length);
    for (const { offset, group } of messages) {
      this.out.varint(offset - base);
      this.out.uint32(group >>> 0);
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
      const flags = (row.autoRenew ? 1 : 0) | (row.group === 0 ? 0 : 2);
      out.byte(flags | (row.givenBack ? 4 : 0));
      if (row.group !== 0) out.uint32(row.group >>> 0);
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

function smallest(offsets: readonly number[]): number {
  let least = offsets[0] ?? 0;
  for (const offset of offsets) if (offset < least) least = offset;
  return least;
}
