/** `gantry topic status`: how full a topic is. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import { adminCommand, type Answer } from './admin-command';
import type { Terminal } from './terminal';
import { json, queueText, table, timeText } from './text';

export function topicStatusCommand(topic: Command, terminal: Terminal): void {
  adminCommand(topic, terminal, {
    name: 'status <NAME>',
    description: 'Show the queues of a topic: where they begin and end, and when messages came.',
    prepare: (name) => (admin) => status(admin, name),
  });
}

async function status(admin: AdminApi, name: string): Promise<Answer> {
  const details = await admin.topicStatus(name);
  const { type, brokers, groups } = details;
  const rows = brokers.flatMap(({ broker, queues }) =>
    queues.map(({ queueId, minOffset, maxOffset, firstStoredMs, lastStoredMs }) => [
      ...[broker, queueText(queueId), String(minOffset), String(maxOffset)],
      ...[String(maxOffset - minOffset), timeText(firstStoredMs), timeText(lastStoredMs)],
    ]),
  );
  const headers = ['BROKER', 'QUEUE', 'FIRST', 'END', 'MESSAGES', 'FIRST STORED', 'LAST STORED'];
  const messages = brokers
    .flatMap(({ queues }) => queues)
    .reduce((total, { minOffset, maxOffset }) => total + maxOffset - minOffset, 0);
  const delayed = brokers.reduce((total, one) => total + one.delayed, 0);
  const readers = groups.length === 0 ? 'no group' : `groups ${groups.join(', ')}`;
  return {
    people:
      `${table(headers, rows)}topic ${name} (${type}): ${messages} messages, ` +
      `${delayed} delayed; read by ${readers}\n`,
    programs: json({ ...details, messages, delayed }),
  };
}
