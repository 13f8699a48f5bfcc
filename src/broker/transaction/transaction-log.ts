/**
 * What the log tells of pending transactions beside their half messages: records of
 * `rmq_sys_GANTRY_TRANSACTION`, JSON in their bodies:
 *
 *     { "kind": "checked", "rows": [[halfQueueOffset, checks], ...] }      a round: who was asked, how often by now
 *     { "kind": "pending", "rows": [[topic, queueId, id, queueOffset, physicalOffset, bytes, tagsCode,
 *                                    storedMs, immunityMs, checks, checkedMs], ...] }     part of a snapshot
 */
import { TRANSACTION_TOPIC } from '../../message/names';
import { draftRecord, type RecordDraft } from '../../message/record-draft';
import type { Pending, PendingPlace } from './pending';

type CheckedRow = readonly [queueOffset: number, checks: number];
type PendingRow = readonly [
  ...[topic: string, queueId: number, id: string],
  ...[queueOffset: number, physicalOffset: number, bytes: number, tagsCode: number],
  ...[storedMs: number, immunityMs: number, checks: number, checkedMs: number],
];

export type TransactionNote =
  | { readonly kind: 'checked'; readonly rows: readonly CheckedRow[] }
  | { readonly kind: 'pending'; readonly rows: readonly PendingRow[] };

export function noteDraft(note: TransactionNote, bornTimestamp: number): RecordDraft {
  const body = Buffer.from(JSON.stringify(note));
  return draftRecord({ topic: TRANSACTION_TOPIC, body, properties: '', tag: '', bornTimestamp });
}

export function decodeNote(body: Buffer): TransactionNote {
  return JSON.parse(body.toString('utf8')) as TransactionNote;
}

export function rowOf(pending: Pending): PendingRow {
  const { topic, queueId, id, queueOffset, physicalOffset, bytes, tagsCode } = pending;
  const { storedMs, immunityMs, checks, checkedMs } = pending;
  return [
    ...([topic, queueId, id, queueOffset, physicalOffset, bytes, tagsCode] as const),
    ...([storedMs, immunityMs, checks, checkedMs] as const),
  ];
}

export function placeOf(row: PendingRow): PendingPlace {
  const [topic, queueId, id, queueOffset, physicalOffset, bytes, tagsCode] = row;
  const [, , , , , , , storedMs, immunityMs, checks, checkedMs] = row;
  return {
    ...{ topic, queueId, id, queueOffset, physicalOffset, bytes, tagsCode },
    ...{ storedMs, immunityMs, checks, checkedMs },
  };
}
