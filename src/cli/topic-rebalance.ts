/** `gantry topic rebalance`: topics spread to brokers that do not hold them. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { RebalanceRequest, TopicMove } from '../api/membership-api';
import { adminCommand, type Answer } from './admin-command';
import { progressBar } from './progress';
import type { Terminal } from './terminal';
import { json } from './text';
import { countOf, movesTable } from './topic-moves';

export function topicRebalanceCommand(topic: Command, terminal: Terminal): void {
  adminCommand(topic, terminal, {
    name: 'rebalance [NAME]',
    description:
      'Give topics, or this one, to brokers that do not hold them, with as many queues as elsewhere.',
    options: [
      ['--broker <NAME...>', 'to these brokers (default: all that are there and do not drain)'],
      ['--dry-run', 'only tell what it would do'],
    ],
    prepare: (name, { broker, dryRun }) => {
      const request = {
        topics: name === '' ? [] : [name],
        brokers: Array.isArray(broker) ? broker.map(String) : [],
        dryRun: dryRun === true,
      };
      return (admin) => rebalance(admin, request, terminal);
    },
  });
}

async function rebalance(
  admin: AdminApi,
  request: RebalanceRequest,
  terminal: Terminal,
): Promise<Answer> {
  const planned = await admin.rebalance({ ...request, dryRun: true });
  const { dryRun } = request;
  const topics = dryRun ? planned : await moved(admin, request, planned, terminal);
  const did = dryRun ? 'would get queues' : 'got queues';
  const said =
    planned.length === 0
      ? 'nothing to do: each topic is on all of these brokers'
      : `${countOf(topics.length, 'topic')} ${did} on more brokers`;
  return { people: `${movesTable(topics)}${said}\n`, programs: json({ dryRun, topics }) };
}

/** One topic after the other; what is done stays done when one fails. */
async function moved(
  admin: AdminApi,
  request: RebalanceRequest,
  planned: readonly TopicMove[],
  terminal: Terminal,
): Promise<readonly TopicMove[]> {
  const bar = progressBar(terminal, (done) => `${done} of ${countOf(planned.length, 'topic')}`);
  const moves: TopicMove[] = [];
  try {
    for (const [i, { topic }] of planned.entries()) {
      moves.push(...(await admin.rebalance({ ...request, topics: [topic] })));
      bar.update(i + 1, planned.length);
    }
  } finally {
    bar.clear();
  }
  return moves;
}
