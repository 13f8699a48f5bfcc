/**
 * The Huffman code of HPACK (RFC 7541, section 5.2 and appendix B).
 *
 * The code is canonical: codes of equal length are consecutive numbers in the order of their symbols, and
 * the first code of a length follows the last one of the length before, shifted. So the lengths say all.
 */
import { ConnectionError, ErrorCode } from './error-code';

/** Bits of the code of each byte 0 .. 255, and of the end-of-string symbol 256. */
// prettier-ignore
const CODE_BITS = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
);
const END_OF_STRING = 256;
const LONGEST_BITS = 30;

/** The code of each symbol, right-aligned in `CODE_BITS[symbol]` bits. */
const CODES = canonicalCodes();

function canonicalCodes(): Uint32Array {
  const codes = new Uint32Array(CODE_BITS.length);
  let next = 0;
  for (let bits = 1; bits <= LONGEST_BITS; bits++) {
    for (let symbol = 0; symbol < CODE_BITS.length; symbol++) {
      if (CODE_BITS[symbol] === bits) codes[symbol] = next++;
    }
    next *= 2;
  }
  return codes;
}

/**
 * The decoder reads four bits at a step. A state is an inner node of the code's tree (256 of them); the
 * entry for a state and four bits is
 *
 *     bit 31                                                                 0
 *      +--------+---------+---------+------------------+----------------------+
 *      | failed | accept  | emits   | symbol (8)       | next state (8)       |
 *      +--------+---------+---------+------------------+----------------------+
 *       bit 18    bit 17    bit 16    bits 8..15         bits 0..7
 *
 * `emits`: a symbol ended within the four bits (never two: the shortest code has five). `accept`: a string
 * may end here, as all bits since the last symbol are ones and fewer than eight. `failed`: the
 * end-of-string symbol was met, which no string may contain.
 */
const FAILED = 1 << 18;
const ACCEPT = 1 << 17;
const EMITS = 1 << 16;
const STEPS = buildSteps();

function buildSteps(): Uint32Array {
  // Children of inner nodes: an inner node's number, or -1 - symbol for a leaf.
  const children: [number, number][] = [[0, 0]];
  for (let symbol = 0; symbol < CODE_BITS.length; symbol++) insertCode(children, symbol);
  const endable = endableNodes(children);
  const steps = new Uint32Array(children.length * 16);
  for (let node = 0; node < children.length; node++) {
    for (let bits = 0; bits < 16; bits++) {
      steps[node * 16 + bits] = step(children, endable, node, bits);
    }
  }
  return steps;
}

function insertCode(children: [number, number][], symbol: number): void {
  const bits = CODE_BITS[symbol] ?? 0;
  const code = CODES[symbol] ?? 0;
  let node = 0;
  for (let left = bits - 1; left >= 0; left--) {
    const pair = children[node] ?? [0, 0];
    const bit = (code >>> left) & 1;
    if (left === 0) {
      pair[bit] = -1 - symbol;
    } else {
      if (pair[bit] === 0) pair[bit] = children.push([0, 0]) - 1;
      node = pair[bit] ?? 0;
    }
  }
}

/** Nodes reached from the root by at most seven ones: what padding may look like. */
function endableNodes(children: readonly [number, number][]): ReadonlySet<number> {
  const endable = new Set<number>([0]);
  let node = 0;
  for (let ones = 1; ones <= 7; ones++) {
    node = children[node]?.[1] ?? 0;
    endable.add(node);
  }
  return endable;
}

function step(
  children: readonly [number, number][],
  endable: ReadonlySet<number>,
  from: number,
  bits: number,
): number {
  let node = from;
  let emitted = 0;
  for (let left = 3; left >= 0; left--) {
    const next = children[node]?.[(bits >>> left) & 1] ?? 0;
    if (next >= 0) {
      node = next;
    } else if (next === -1 - END_OF_STRING) {
      return FAILED;
    } else {
      emitted = EMITS | ((-1 - next) << 8);
      node = 0;
    }
  }
  return node | emitted | (endable.has(node) ? ACCEPT : 0);
}

/**
 * Decodes `bytes[start .. end)` into `target` from byte 0 on; answers the bytes written.
 * `target` must have room for 8 bytes for each 5 of the source: no code is shorter than five bits.
 * @throws ConnectionError COMPRESSION_ERROR for the end-of-string symbol and for wrong padding
 */
export function decodeHuffman(
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
): number {
  let entry = ACCEPT;
  let written = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    entry = STEPS[((entry & 0xff) << 4) | (byte >>> 4)] ?? FAILED;
    if ((entry & EMITS) !== 0) target[written++] = entry >>> 8;
    if ((entry & FAILED) !== 0) break;
    entry = STEPS[((entry & 0xff) << 4) | (byte & 15)] ?? FAILED;
    if ((entry & EMITS) !== 0) target[written++] = entry >>> 8;
    if ((entry & FAILED) !== 0) break;
  }
  if ((entry & ACCEPT) === 0) {
    throw new ConnectionError(
      ErrorCode.COMPRESSION_ERROR,
      'a Huffman-coded string does not end with at most seven one bits, or contains the end symbol',
    );
  }
  return written;
}

/** Bytes that `bytes` takes in the Huffman code, its padding included. */
export function huffmanBytes(bytes: Uint8Array): number {
  let bits = 0;
  for (const byte of bytes) bits += CODE_BITS[byte] ?? 0;
  return (bits + 7) >>> 3;
}

/** The Huffman code of `bytes`, padded with ones to a whole byte. */
export function encodeHuffman(bytes: Uint8Array): Buffer {
  const target = Buffer.alloc(huffmanBytes(bytes), 0xff);
  let at = 0;
  let held = 0;
  let heldBits = 0;
  for (const byte of bytes) {
    const bits = CODE_BITS[byte] ?? 0;
    const code = CODES[byte] ?? 0;
    for (let left = bits - 1; left >= 0; left--) {
      held = (held << 1) | ((code >>> left) & 1);
      if (++heldBits === 8) {
        target[at++] = held;
        held = 0;
        heldBits = 0;
      }
    }
  }
  if (heldBits > 0) target[at] = (held << (8 - heldBits)) | (0xff >>> heldBits);
  return target;
}
