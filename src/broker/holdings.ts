/** What a broker holds of its topics: whether it may leave the cluster. */
import type { GroupHolding, TopicHolding } from '../api/inspect-api';
import type { TopicConfig } from '../api/topic';
import type { Timers } from '../platform/platform';
import type { MessageStore } from '../store/message-store';
import type { LiteTable } from './lite/lite-table';
import type { GroupTopic } from './pop/group-topic';
import type { LedgerBook } from './pop/ledger-book';
import { countRows } from './row-counts';

export interface HoldingsParts {
  readonly store: MessageStore;
  readonly book: LedgerBook;
  readonly topics: ReadonlyMap<string, TopicConfig>;
  readonly timers: Pick<Timers, 'nextTurn'>;
  /** The lite topics of a parent. */
  readonly lite: (topic: string) => Pick<LiteTable, 'rows'>;
  /** Messages of a topic that wait for their delivery time. */
  readonly delayed: (topic: string) => number;
  /** Transactions that have not ended, by topic. */
  readonly transactions: () => ReadonlyMap<string, number>;
}

/** See `InspectApi.holdings`; a topic a turn. */
export async function holdingsOf(parts: HoldingsParts): Promise<readonly TopicHolding[]> {
  const { timers } = parts;
  const holdings: TopicHolding[] = [];
  const transactions = parts.transactions();
  for (const topic of [...parts.topics.values()]) {
    const holding = holdingOf(parts, topic, transactions.get(topic.name) ?? 0);
    const { messages, delayed } = holding;
    if (messages + delayed + holding.transactions > 0) holdings.push(holding);
    await new Promise<void>((resolve) => timers.nextTurn(resolve));
  }
  return holdings;
}

function holdingOf(
  parts: HoldingsParts,
  { name: topic, queues }: TopicConfig,
  transactions: number,
): TopicHolding {
  const { store, book } = parts;
  const lite = [...parts.lite(topic).rows()].map(({ queueId }) => queueId);
  const all = [...Array.from({ length: queues }, (_, queueId) => queueId), ...lite];
  let messages = 0;
  for (const id of all) messages += store.maxOffset(topic, id) - store.minOffset(topic, id);
  const groups = [...book.ofTopic(topic)].map((ledgers) =>
    // On lite topics a group begins one by one.
    groupHolding(
      parts,
      ledgers,
      all.filter((queueId) => queueId < queues || ledgers.queues.has(queueId)),
    ),
  );
  return { topic, messages, delayed: parts.delayed(topic), transactions, groups };
}

function groupHolding(
  { store, book }: HoldingsParts,
  { group, topic, queues }: GroupTopic,
  queueIds: readonly number[],
): GroupHolding {
  let ready = 0;
  let inFlight = 0;
  for (const queueId of queueIds) {
    const ledger = queues.get(queueId);
    const minOffset = store.minOffset(topic, queueId);
    const rows = countRows(book, ledger, minOffset);
    const next = Math.max(ledger?.next ?? 0, minOffset);
    ready += rows.ready + Math.max(0, store.maxOffset(topic, queueId) - next);
    inFlight += rows.inFlight;
  }
  return { group, ready, inFlight };
}
