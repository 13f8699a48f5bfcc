/**
 * Entries of `gantry/stand-in.journal`: what a replica that stands in has done, beside its log.
 *
 *     entry       crc32 4 (of all that follows), length 4 (of the body), wallMs 8, kind 1, body
 *     kind 1      changes of ledgers, as ../pop/ledger-ops draws them
 *     kind 2      JSON: {"group","topic","queueId","generation"}, before the first message of the queue is finished
 */
import { crc32 } from 'node:zlib';
import { decodeLedgerOps } from '../pop/ledger-op-reader';
import type { LedgerOp, QueueRef } from '../pop/ledger-ops';

const HEAD_BYTES = 17;
const OPS = 1;
const GENERATION = 2;

/** A queue that a group has finished messages of, and the generation of its ledger then. */
export interface QueueGeneration extends QueueRef {
  readonly generation: number;
}

export type JournalEntry =
  | { readonly kind: 'ops'; readonly wallMs: number; readonly ops: readonly LedgerOp[] }
  | { readonly kind: 'generation'; readonly of: QueueGeneration };

export function opsEntry(wallMs: number, body: Buffer): Buffer {
  return entry(wallMs, OPS, body);
}

export function generationEntry(
  wallMs: number,
  { group, topic, queueId, generation }: QueueGeneration,
): Buffer {
  const json = JSON.stringify({ group, topic, queueId, generation });
  return entry(wallMs, GENERATION, Buffer.from(json));
}

/** The whole entries at the beginning of a journal, and where they end: what is behind was not written to its end. */
export function readEntries(journal: Buffer): {
  readonly entries: readonly JournalEntry[];
  readonly end: number;
} {
  const entries: JournalEntry[] = [];
  let end = 0;
  while (end + HEAD_BYTES <= journal.length) {
    const next = end + HEAD_BYTES + journal.readUInt32BE(end + 4);
    if (next > journal.length) break;
    if (journal.readUInt32BE(end) !== crc32(journal.subarray(end + 4, next))) break;
    const body = journal.subarray(end + HEAD_BYTES, next);
    const wallMs = journal.readDoubleBE(end + 8);
    entries.push(decode(journal[end + 16] ?? 0, wallMs, body));
    end = next;
  }
  return { entries, end };
}

function entry(wallMs: number, kind: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + body.length);
  bytes.writeUInt32BE(body.length, 4);
  bytes.writeDoubleBE(wallMs, 8);
  bytes[16] = kind;
  body.copy(bytes, HEAD_BYTES);
  bytes.writeUInt32BE(crc32(bytes.subarray(4)), 0);
  return bytes;
}

/** @throws RangeError when it is of no known kind: a later version has written it */
function decode(kind: number, wallMs: number, body: Buffer): JournalEntry {
  if (kind === OPS) return { kind: 'ops', wallMs, ops: decodeLedgerOps(body) };
  if (kind === GENERATION) {
    return { kind: 'generation', of: JSON.parse(body.toString()) as QueueGeneration };
  }
  throw new RangeError(`stand-in journal: an entry of kind ${kind}`);
}
