/** `gantry group lag|consumers`: how far a consumer group is, and who is in it. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { LagRequest, QueueLag, TopicLag } from '../api/inspect-api';
import { Code, StatusError } from '../message/status';
import { adminCommand, type Answer } from './admin-command';
import { clientsAnswer } from './client';
import { existingGroup } from './existing-group';
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
      const found = await admin.listClients(request);
      if (found.clients.length === 0) await existingGroup(admin, name);
      return clientsAnswer(found);
    },
  });
}

async function lag(admin: AdminApi, request: LagRequest, queues: boolean): Promise<Answer> {
  const lags = await admin.groupLag(request);
  await checkTopics(admin, request.topics, lags);
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

/** A group has nothing before it on a topic that there is not, either, which would look like being done. */
async function checkTopics(
  admin: AdminApi,
  asked: readonly string[],
  found: readonly TopicLag[],
): Promise<void> {
  const missing = asked.filter((name) => !found.some(({ topic }) => topic === name));
  if (missing.length === 0) return;
  const known = new Set((await admin.listTopics()).map(({ name }) => name));
  const unknown = missing.find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new StatusError(Code.TOPIC_NOT_FOUND, `there is no topic ${unknown}`);
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
