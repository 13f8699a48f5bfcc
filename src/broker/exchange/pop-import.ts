/** Puts what Apache's pop consumers held into the ledgers: it comes again when its invisible time is over. */
import type { Logger } from 'pino';
import type { MessageStore } from '../../store/message-store';
import type { LedgerBook } from '../pop/ledger-book';
import { NO_GROUP } from '../pop/message-groups';
import type { JsonObject } from './apache-json';
import { objectIn } from './apache-shapes';
import type { ConfigTables } from './config-export';
import { heldByPop, REVIVE_GROUP, REVIVE_PREFIX, type HeldMessage } from './pop-checkpoints';

export interface PopImportParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly logger: Logger;
  /** Offsets between a queue's committed one and the newest delivered one, at most. */
  readonly maxWindow: number;
}

/** Takes over held messages; the ledgers begin at the groups' offsets. Answers how many. */
export async function importHeld(
  parts: PopImportParts,
  tables: ConfigTables,
  nowMs: number,
): Promise<number> {
  const { store } = parts;
  const offsetTable = objectIn(tables['consumerOffset.json'], 'offsetTable');
  const topics = [...objectIn(tables['topics.json'], 'topicConfigTable').keys()].map(String);
  const reviveTopics = topics.filter((topic) => topic.startsWith(REVIVE_PREFIX));
  const held = await heldByPop(store, offsetTable, reviveTopics);
  let taken = 0;
  for (const messages of byQueue(held).values()) taken += importQueue(parts, messages, nowMs);
  for (const topic of reviveTopics) settleRevive(tables, store, topic);
  return taken;
}

function byQueue(held: readonly HeldMessage[]): Map<string, HeldMessage[]> {
  const queues = new Map<string, HeldMessage[]>();
  for (const message of held) {
    const key = `${message.topic}@${message.group}@${message.queueId}`;
    const known = queues.get(key);
    if (known === undefined) queues.set(key, [message]);
    else known.push(message);
  }
  return queues;
}

function importQueue(
  { store, book, logger, maxWindow }: PopImportParts,
  messages: readonly HeldMessage[],
  nowMs: number,
): number {
  const [first] = messages;
  const ledgers = first && book.find(first.group, first.topic);
  if (first === undefined || ledgers === undefined) return 0;
  const { topic, group, queueId } = first;
  const end = book.queue(ledgers, queueId).next;
  const min = store.minOffset(topic, queueId);
  const due = new Map<number, number>();
  // What lies at or above the group's offset is delivered in any case.
  for (const { offset, dueMs } of messages) {
    if (offset >= min && offset < end) due.set(offset, Math.max(due.get(offset) ?? 0, dueMs));
  }
  if (due.size === 0) return 0;
  const committed = [...due.keys()].reduce((least, offset) => Math.min(least, offset), end);
  const next = Math.min(end, committed + maxWindow);
  if (next < end) logger.warn({ topic, group, queueId, from: next, to: end }, 'delivered again');
  const ascending = [...due].sort(([a], [b]) => a - b);
  const rows = ascending.map(([offset, dueMs]) => ({
    ...{
      offset,
      attempt: 1,
      nonce: 0,
      client: '',
      autoRenew: false,
      givenBack: false,
      group: NO_GROUP,
    },
    remainingMs: Math.max(0, dueMs - nowMs),
  }));
  book.restoreQueue(ledgers, queueId, committed, next, [{ rows, ageMs: 0 }]);
  return due.size;
}

/** Tells Apache that its checkpoints so far are settled: should it come back, we have taken them over. */
function settleRevive(tables: ConfigTables, store: MessageStore, topic: string): void {
  const table = objectIn(tables['consumerOffset.json'], 'offsetTable');
  const key = `${topic}@${REVIVE_GROUP}`;
  const settled: JsonObject = new Map();
  for (const queueId of objectIn(table, key).keys()) {
    const last = store.maxOffset(topic, Number(queueId)) - 1;
    if (last >= 0) settled.set(Number(queueId), last);
  }
  if (settled.size > 0) table.set(key, settled);
}
