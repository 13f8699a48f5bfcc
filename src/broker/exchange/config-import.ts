/**
 * Takes over what another program has left: topics, groups and offsets from config/*.json, and the
 * messages that Apache's pop consumers hold. What our own log said before does not count any more.
 */
import type { Logger } from 'pino';
import { newGroup } from '../../api/topic';
import type { MessageStore } from '../../store/message-store';
import type { Metadata } from '../metadata';
import type { LedgerBook } from '../pop/ledger-book';
import {
  groupOf,
  isApachesGroup,
  isApachesTopic,
  objectIn,
  offsetsOf,
  topicAndGroup,
  topicOf,
} from './apache-shapes';
import type { ConfigTables } from './config-export';

export interface ImportParts {
  readonly store: MessageStore;
  readonly metadata: Metadata;
  readonly book: LedgerBook;
  readonly logger: Logger;
}

/** How much was taken over. */
export interface Imported {
  readonly topics: number;
  readonly groups: number;
  readonly offsets: number;
}

/** Fills metadata and ledgers, which are empty. `generation` is that of the new ledgers. */
export function importConfigs(
  parts: ImportParts,
  tables: ConfigTables,
  fromBeginning: ReadonlySet<string>,
  generation: number,
): Imported {
  const { metadata } = parts;
  const topics = objectIn(tables['topics.json'], 'topicConfigTable');
  for (const [key, entry] of topics) {
    const name = String(key);
    if (isApachesTopic(name, topics)) continue;
    metadata.apply({ kind: 'topic', topic: topicOf(name, objectIn(entry)) });
  }
  const groups = objectIn(tables['subscriptionGroup.json'], 'subscriptionGroupTable');
  for (const [key, entry] of groups) {
    const name = String(key);
    if (isApachesGroup(name)) continue;
    const group = groupOf(name, objectIn(entry), fromBeginning.has(name));
    metadata.apply({ kind: 'group', group });
  }
  const offsets = importOffsets(parts, tables, generation);
  return { topics: metadata.topics.size, groups: metadata.groups.size, offsets };
}

function importOffsets(
  { store, metadata, book, logger }: ImportParts,
  tables: ConfigTables,
  generation: number,
): number {
  let imported = 0;
  for (const [key, entry] of objectIn(tables['consumerOffset.json'], 'offsetTable')) {
    const names = topicAndGroup(String(key));
    if (names === undefined || isApachesGroup(names.group)) continue;
    const { topic, group } = names;
    const config = metadata.topics.get(topic);
    if (config === undefined) continue;
    if (!metadata.groups.has(group)) metadata.apply({ kind: 'group', group: newGroup(group) });
    const committed = offsetsOf(objectIn(entry));
    const offsets = Array.from({ length: config.queues }, (_, queueId) => {
      const offset = committed.get(queueId) ?? 0;
      const max = store.maxOffset(topic, queueId);
      if (offset > max) logger.warn({ topic, group, queueId, offset, max }, 'offset is ahead');
      return Math.min(Math.max(offset, store.minOffset(topic, queueId)), max);
    });
    book.start(group, topic, generation, offsets);
    imported++;
  }
  return imported;
}
