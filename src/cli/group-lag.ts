/** `gantry group lag|consumers`: how far a consumer group is, and who is in it. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { LagRequest, QueueLag, TopicLag } from '../api/inspect-api';
import { adminCommand, type Answer } from './admin-command';
import { clientsAnswer } from './client';
import type { Terminal } from './terminal';
import { json, queueText, table, timeText } from './text';

const MAX_CLIENTS = 1000;

export function groupLagCommands(group: Command, terminal: Terminal): void {
  adminCommand(group, terminal, {
    name: 'lag <NAME>',
    description:
      'Show how many messages a consumer group has before it: ready, in flight, and delayed ones of its topics.',
    options: [
      ['--topic <TOPIC...>', 'on these topics only'],
      ['--lite-topic <NAME>', 'on this lite topic only'],
      ['--queues', 'for each queue'],
    ],
    prepare: (name, { topic, liteTopic, queues }) => {
      const topics = Array.isArray(topic) ? topic.map(String) : [];
      const one = typeof liteTopic === 'string' ? { liteTopic } : {};
      return (admin) => lag(admin, { group: name, topics, ...one }, queues === true);
    },
  });
  adminCommand(group, terminal, {
    name: 'consumers <NAME>',
    description: 'List the members of a consumer group that the proxy knows.',
    prepare: (name) => async (admin) => {
      const request = { clientId: '', group: name, maxClients: MAX_CLIENTS };
      return clientsAnswer(await admin.listClients(request));
    },
  });
}

async function lag(admin: AdminApi, request: LagRequest, queues: boolean): Promise<Answer> {
  const lags = await admin.groupLag(request);
  const sum = (count: (queue: QueueLag) => number): number =>
    lags.reduce((total, one) => total + sumOf(one, count), 0);
  const totals = { ready: sum(({ ready }) => ready), inFlight: sum(({ inFlight }) => inFlight) };
  const delayed = lags.reduce((total, one) => total + one.delayed, 0);
  const rows = queues ? byQueue(lags) : byBroker(lags);
  const { ready, inFlight } = totals;
  return {
    people:
      `${rows}group ${request.group}: ${ready + inFlight} not finished, ` +
      `${ready} ready, ${inFlight} in flight; ${delayed} delayed\n`,
    programs: json({ group: request.group, ...totals, delayed, topics: lags }),
  };
}

function byBroker(lags: readonly TopicLag[]): string {
  return table(
    ['TOPIC', 'BROKER', 'READY', 'IN FLIGHT', 'DELAYED', 'OLDEST READY SINCE'],
    lags.map((one) => [
      one.topic,
      one.broker,
      String(sumOf(one, ({ ready }) => ready)),
      String(sumOf(one, ({ inFlight }) => inFlight)),
      String(one.delayed),
      timeText(
        Math.min(...one.queues.map(({ readyStoredMs }) => readyStoredMs).filter((ms) => ms > 0)),
      ),
    ]),
  );
}

function byQueue(lags: readonly TopicLag[]): string {
  const rows = lags.flatMap(({ topic, broker, queues }) =>
    queues.map((queue) => [
      ...[
        topic,
        broker,
        queueText(queue.queueId),
        String(queue.committed),
        String(queue.maxOffset),
      ],
      ...[String(queue.ready), String(queue.inFlight), timeText(queue.readyStoredMs)],
    ]),
  );
  return table(
    [
      ...['TOPIC', 'BROKER', 'QUEUE', 'COMMITTED', 'END'],
      ...['READY', 'IN FLIGHT', 'OLDEST READY SINCE'],
    ],
    rows,
  );
}

function sumOf({ queues }: TopicLag, count: (queue: QueueLag) => number): number {
  return queues.reduce((total, queue) => total + count(queue), 0);
}
