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

/** An entry as it lies in the file. */
interface Frame {
  readonly kind: number;
  readonly wallMs: number;
  readonly body: Buffer;
  readonly end: number;
}

/** Where the whole entries at the beginning of a journal end: what is behind was not written to its end. */
export function endOfEntries(journal: Buffer): number {
  let end = 0;
  for (const frame of frames(journal)) end = frame.end;
  return end;
}

/** The whole entries at the beginning of a journal, decoded one by one: there may be millions. */
export function* readEntries(journal: Buffer): Iterable<JournalEntry> {
  for (const frame of frames(journal)) yield decode(frame);
}

function* frames(journal: Buffer): Iterable<Frame> {
  for (let at = 0; at + HEAD_BYTES <= journal.length;) {
    const end = at + HEAD_BYTES + journal.readUInt32BE(at + 4);
    if (end > journal.length) return;
    if (journal.readUInt32BE(at) !== crc32(journal.subarray(at + 4, end))) return;
    const body = journal.subarray(at + HEAD_BYTES, end);
    yield { kind: journal[at + 16] ?? 0, wallMs: journal.readDoubleBE(at + 8), body, end };
    at = end;
  }
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
function decode({ kind, wallMs, body }: Frame): JournalEntry {
  if (kind === OPS) return { kind: 'ops', wallMs, ops: decodeLedgerOps(body) };
  if (kind === GENERATION) {
    return { kind: 'generation', of: JSON.parse(body.toString()) as QueueGeneration };
  }
  throw new RangeError(`stand-in journal: an entry of kind ${kind}`);
}
