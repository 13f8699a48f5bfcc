/** Header blocks out of every instruction that HPACK has, with a model of what they say. */
import fc from 'fast-check';
import { STATIC_TABLE } from '../../../src/rpc/http2/hpack-static-table';
import { encodeHuffman } from '../../../src/rpc/http2/huffman';

/** The dynamic table that both sides of these blocks may keep, bytes. */
export const BLOCKS_TABLE_BYTES = 512;

/** RFC 7541, section 6; `pick` chooses among the entries that there are. */
export type Instruction =
  | { readonly kind: 'indexed'; readonly pick: number }
  | { readonly kind: 'resize'; readonly bytes: number }
  | {
      readonly kind: 'remembered' | 'plain' | 'never';
      readonly namePick: number | undefined;
      readonly name: string;
      readonly value: string;
      readonly huffman: boolean;
    };

type Field = readonly [name: string, value: string];

const nameText = fc.stringMatching(/^[a-z-]{1,12}$/);
const valueText = fc
  .uint8Array({ maxLength: 60 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));

const literal: fc.Arbitrary<Instruction> = fc.record({
  kind: fc.constantFrom('remembered', 'remembered', 'plain', 'never'),
  namePick: fc.option(fc.nat(200), { nil: undefined }),
  name: nameText,
  value: valueText,
  huffman: fc.boolean(),
});
const indexed: fc.Arbitrary<Instruction> = fc.record({
  kind: fc.constant('indexed'),
  pick: fc.nat(200),
});
const resize: fc.Arbitrary<Instruction> = fc.record({
  kind: fc.constant('resize'),
  bytes: fc.nat(BLOCKS_TABLE_BYTES),
});

/** Size changes come first in a block. */
export const headerBlock: fc.Arbitrary<readonly Instruction[]> = fc
  .tuple(fc.array(resize, { maxLength: 2 }), fc.array(fc.oneof(literal, indexed), { maxLength: 8 }))
  .map(([sizes, fields]) => [...sizes, ...fields]);

/** A sender's table, kept in the plainest way, that turns instructions into bytes and tells what they mean. */
export class BlockWriter {
  private table: Field[] = [];
  private maxBytes = BLOCKS_TABLE_BYTES;

  write(instructions: readonly Instruction[]): {
    readonly bytes: Buffer;
    readonly fields: Field[];
  } {
    const parts: Buffer[] = [];
    const fields: Field[] = [];
    for (const instruction of instructions) {
      if (instruction.kind === 'resize') {
        this.maxBytes = instruction.bytes;
        this.evict();
        parts.push(integer(instruction.bytes, 5, 0x20));
      } else if (instruction.kind === 'indexed') {
        const index = this.index(instruction.pick);
        fields.push(this.entry(index));
        parts.push(integer(index, 7, 0x80));
      } else {
        const { kind, namePick, value, huffman } = instruction;
        const index = namePick === undefined ? 0 : this.index(namePick);
        const name = index === 0 ? instruction.name : this.entry(index)[0];
        const [prefix, pattern] = PATTERNS[kind];
        parts.push(integer(index, prefix, pattern));
        if (index === 0) parts.push(string(name, huffman));
        parts.push(string(value, huffman));
        fields.push([name, value]);
        if (kind === 'remembered') this.remember([name, value]);
      }
    }
    return { bytes: Buffer.concat(parts), fields };
  }

  /** 1 .. the last entry of both tables. */
  private index(pick: number): number {
    return 1 + (pick % (STATIC_TABLE.length - 1 + this.table.length));
  }

  private entry(index: number): Field {
    const known = STATIC_TABLE[index];
    const field: Field | undefined =
      known === undefined ? this.table[index - STATIC_TABLE.length] : [known.name, known.value];
    if (field === undefined) throw new Error(`no entry ${index}`);
    return field;
  }

  private remember(field: Field): void {
    this.table.unshift(field);
    this.evict();
  }

  private evict(): void {
    const size = ([name, value]: Field): number => name.length + value.length + 32;
    while (this.table.reduce((sum, field) => sum + size(field), 0) > this.maxBytes)
      this.table.pop();
  }
}

/** Bits of the prefix, and what stands before it. */
const PATTERNS = { remembered: [6, 0x40], plain: [4, 0], never: [4, 0x10] } as const;

function integer(value: number, prefixBits: number, pattern: number): Buffer {
  const most = (1 << prefixBits) - 1;
  if (value < most) return Buffer.of(pattern | value);
  const bytes = [pattern | most];
  let rest = value - most;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

function string(value: string, huffman: boolean): Buffer {
  const plain = Buffer.from(value, 'latin1');
  const bytes = huffman ? encodeHuffman(plain) : plain;
  return Buffer.concat([integer(bytes.length, 7, huffman ? 0x80 : 0), bytes]);
}
