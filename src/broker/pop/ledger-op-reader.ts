/** Decoding of ledger operations; ./ledger-ops draws the layout. */
import {
  LEDGER_OP_KINDS,
  LEDGER_RECORD_VERSION,
  type LedgerOp,
  type PopOp,
  type QueueOp,
  type QueueRef,
  type SnapshotRow,
} from './ledger-ops';
import { ByteReader } from './varint';

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
    if (version !== LEDGER_RECORD_VERSION)
      throw new RangeError(`ledger record of version ${version}`);
  }

  all(): LedgerOp[] {
    const ops: LedgerOp[] = [];
    while (!this.input.done) ops.push(this.op());
    return ops;
  }

  private op(): LedgerOp {
    const { input } = this;
    const number = input.byte();
    const kind = LEDGER_OP_KINDS[number];
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
      case 'look':
        return { kind, ...this.queueRef(), messages: this.messages() };
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
        return this.queue();
      case 'expire':
        return { kind, ...this.queueRef(), min: input.varint() };
      case 'attempt':
        return {
          kind,
          group: this.name(),
          topic: this.name(),
          key: input.varint(),
          deliveries: this.list(() => ({
            queueId: input.varint(),
            offset: input.varint(),
            attempt: input.varint(),
            nonce: input.uint32(),
          })),
        };
      case 'dead':
        return {
          kind,
          ...this.queueRef(),
          generation: input.varint(),
          offsets: this.list(() => input.varint()),
        };
      case 'open':
        return {
          kind,
          group: this.name(),
          topic: this.name(),
          since: input.varint(),
          opened: input.varint(),
        };
      case 'drop':
        return { kind, group: this.name(), topic: this.name() };
      case 'end':
        return { kind, begin: input.varint() };
    }
  }

  private queue(): QueueOp {
    const { input } = this;
    const ref = this.queueRef();
    const [generation, committed, next] = [input.varint(), input.varint(), input.varint()];
    const flags = input.byte();
    return {
      kind: 'queue',
      ...ref,
      ...{ generation, committed, next, more: (flags & 1) === 1 },
      resets: (flags & 2) === 0 ? 0 : input.varint(),
      rows: this.rows(),
    };
  }

  private pop(): PopOp {
    const { input } = this;
    const ref = this.queueRef();
    const client = this.name();
    const flags = input.byte();
    const autoRenew = (flags & 1) === 1;
    const attemptKey = (flags & 2) === 0 ? 0 : input.varint();
    const invisibleMs = input.varint();
    const nonce = input.uint32();
    const next = input.varint();
    const base = input.varint();
    const deliveries = this.list(() => ({
      offset: base + input.varint(),
      attempt: input.varint(),
    }));
    return {
      kind: 'pop',
      ...ref,
      client,
      autoRenew,
      attemptKey,
      invisibleMs,
      nonce,
      next,
      deliveries,
    };
  }

  private messages(): { offset: number; group: number }[] {
    const base = this.input.varint();
    return this.list(() => ({
      offset: base + this.input.varint(),
      group: this.input.uint32() | 0,
    }));
  }

  private queueRef(): QueueRef {
    return { group: this.name(), topic: this.name(), queueId: this.input.varint() };
  }

  private offsets(): number[] {
    const base = this.input.varint();
    return this.list(() => base + this.input.varint());
  }

  /** There may be a million of them: each is one literal, which costs a tenth of one made of others. */
  private rows(): SnapshotRow[] {
    const { input } = this;
    return this.list(() => {
      const offset = input.varint();
      const attempt = input.varint();
      const nonce = input.uint32();
      const client = this.name();
      const flags = input.byte();
      const group = (flags & 2) === 0 ? 0 : input.uint32() | 0;
      const autoRenew = (flags & 1) === 1;
      const givenBack = (flags & 4) === 4;
      const remainingMs = input.varint();
      return { offset, attempt, nonce, client, autoRenew, givenBack, group, remainingMs };
    });
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
