/** What brokers that join and leave change, as commands show it. */
import type { TopicMove } from '../api/membership-api';
import { table } from './text';

export function movesTable(moves: readonly TopicMove[]): string {
  if (moves.length === 0) return '';
  const rows = moves.flatMap(({ topic, type, brokers }) =>
    brokers.map(({ broker, before, after }) => [
      ...[topic, type, broker, String(before)],
      before === after ? '' : String(after),
    ]),
  );
  return table(['TOPIC', 'TYPE', 'BROKER', 'QUEUES', 'THEN'], rows);
}

/** `3 topics`, `1 topic`. */
export function countOf(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
