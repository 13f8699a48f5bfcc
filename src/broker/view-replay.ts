/** Rebuilding the views of a log (metadata, ledgers, transactions) from its records. It changes nothing. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { deadLetterOrigin } from '../message/dead-letter';
import { isDerivedTopic, LEDGER_TOPIC, META_TOPIC } from '../message/names';
import { readRecord } from '../message/record';
import type { Platform } from '../platform/platform';
import { readKept } from '../store/kept-twice';
import type { MessageStore } from '../store/message-store';
import { decodeMetaChange, type MetaChange, type Metadata } from './metadata';
import type { LedgerBook } from './pop/ledger-book';
import { decodeLedgerOps } from './pop/ledger-op-reader';
import { LedgerReplay } from './pop/ledger-replay';
import { TransactionView } from './transaction/transaction-view';

/** In `gantry/`. */
export const VIEWS_FILE = 'views.json';

interface SnapshotParts {
  readonly directory: string;
  readonly store: Pick<MessageStore, 'visible'>;
  readonly platform: Pick<Platform, 'files'>;
  readonly logger: Logger;
}

interface ReplayParts {
  readonly store: Pick<MessageStore, 'replay'>;
  readonly platform: Pick<Platform, 'clock'>;
  readonly metadata: Metadata;
  readonly book: LedgerBook;
  /** `undefined`: nobody asks about them. */
  readonly transactions?: TransactionView;
}

/** The file that says where the newest snapshot begins. */
export function viewsPath(directory: string): string {
  return join(directory, 'gantry', VIEWS_FILE);
}

/** Where in the log the newest whole snapshot begins; 0: everything is to be replayed. */
export async function newestSnapshot(parts: SnapshotParts): Promise<number> {
  try {
    const text = await readKept(parts.platform.files, viewsPath(parts.directory));
    if (text === undefined) return 0;
    const { begin } = JSON.parse(text) as { begin?: unknown };
    if (typeof begin === 'number' && begin >= 0 && begin < parts.store.visible) return begin;
  } catch {
    // Fall through: the file is only a hint.
  }
  parts.logger.warn({ file: VIEWS_FILE }, 'unreadable, replaying the whole log');
  return 0;
}

/** Applies what the visible log holds from `from` on; answers how many records that were. */
export async function replayViews(parts: ReplayParts, from: number): Promise<number> {
  const { store, platform, metadata, book, transactions } = parts;
  const replay = new LedgerReplay(book);
  const now = platform.clock.wallMs();
  let records = 0;
  const own = [META_TOPIC, LEDGER_TOPIC, ...(transactions ? TransactionView.topics : [])];
  const topics = [...own, ...(await derivedTopics(store, from))];
  await store.replay(topics, from, (bytes) => {
    const record = readRecord(bytes, 0);
    records++;
    if (record.topic === META_TOPIC) {
      applyMeta(decodeMetaChange(record.body), metadata, book);
    } else if (TransactionView.topics.includes(record.topic)) {
      transactions?.replay(record);
    } else if (record.topic !== LEDGER_TOPIC) {
      const origin = deadLetterOrigin(record);
      if (origin !== undefined) replay.finish(origin);
    } else {
      for (const op of decodeLedgerOps(record.body)) replay.apply(op, now - record.storeTimestamp);
    }
  });
  return records;
}

function applyMeta(change: MetaChange, metadata: Metadata, book: LedgerBook): void {
  metadata.apply(change);
  if (change.kind === 'topic-deleted') book.dropTopic(change.name);
  if (change.kind === 'group-deleted') book.dropGroup(change.name);
  if (change.kind !== 'lite-removed') return;
  for (const queueId of change.queueIds) book.forgetQueue(change.topic, queueId);
}

/** All dead letter and retry topics that the log tells of from `from` on: their records change ledgers, too. */
async function derivedTopics(
  store: Pick<MessageStore, 'replay'>,
  from: number,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  await store.replay([META_TOPIC], from, (bytes) => {
    const change = decodeMetaChange(readRecord(bytes, 0).body);
    const topics =
      change.kind === 'topic' ? [change.topic] : change.kind === 'state' ? change.topics : [];
    for (const { name } of topics) if (isDerivedTopic(name)) names.add(name);
  });
  return names;
}
