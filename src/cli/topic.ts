/** `gantry topic create|update|rebalance|list|show|status|delete`. */
import type { Command } from 'commander';

import type { AdminApi, TopicView } from '../api/admin-api';
import { DEFAULT_QUEUES, MAX_QUEUES, TOPIC_TYPES, type TopicConfig } from '../api/topic';
import { parseTopicType } from '../config/formats';
import { Code, StatusError } from '../message/status';
import { adminCommand, usage, wholeNumber, type Answer } from './admin-command';
import { liteIdleOf, liteIdleOption } from './lite-idle';
import { topicRebalanceCommand } from './topic-rebalance';
import { topicStatusCommand } from './topic-status';
import type { Terminal } from './terminal';
import { json, table } from './text';
import { UsageError } from './usage-error';

export function topicCommand(program: Command, terminal: Terminal): void {
  const topic = program
    .command('topic')
    .description('Create, change, spread, list, show and delete topics.');
  adminCommand(topic, terminal, {
    name: 'create <NAME>',
    description: 'Create a topic, or change one that there is: what no option says stays as it is.',
    options: [
      ['--type <TYPE>', `${TOPIC_TYPES.join(', ')} (default: NORMAL)`],
      ['--queues <N>', `queues on each broker, 1 to ${MAX_QUEUES} (default: ${DEFAULT_QUEUES})`],
      ['--broker <NAME...>', 'the brokers that hold it (default: all that are there)'],
      liteIdleOption,
    ],
    prepare: (name, options) => {
      const said = configOf(options);
      return async (admin) => {
        const {
          type = 'NORMAL',
          queues = DEFAULT_QUEUES,
          ...more
        } = {
          ...keptOf(await find(admin, name)),
          ...said,
        };
        return put(admin, { name, type, queues, ...more }, brokersOf(options));
      };
    },
  });
  adminCommand(topic, terminal, {
    name: 'update <NAME>',
    description:
      'Add queues to a topic on the brokers that hold it, or brokers to hold it, too; or change when its lite topics go.',
    options: [
      ['--queues <N>', `queues on each broker, up to ${MAX_QUEUES}; never fewer than now`],
      ['--broker <NAME...>', 'brokers that are to hold it, too'],
      liteIdleOption,
    ],
    prepare: (name, options) => {
      const more = brokersOf(options);
      const changes = configOf(options);
      if (more.length === 0 && Object.keys(changes).length === 0) {
        throw new UsageError('say what to change: --queues, --broker or --lite-idle');
      }
      return async (admin) => {
        const now = await existing(admin, name);
        return put(admin, { name, ...keptOf(now), ...changes }, [...now.brokers, ...more]);
      };
    },
  });
  adminCommand(topic, terminal, {
    name: 'list',
    description: 'List all topics.',
    prepare: () => async (admin) => views(await admin.listTopics()),
  });
  adminCommand(topic, terminal, {
    name: 'show <NAME>',
    description: 'Show one topic.',
    prepare: (name) => (admin) => show(admin, name),
  });
  topicRebalanceCommand(topic, terminal);
  topicStatusCommand(topic, terminal);
  adminCommand(topic, terminal, {
    name: 'delete <NAME>',
    description: 'Delete a topic with all its messages.',
    prepare: (name) => async (admin) => {
      await admin.deleteTopic(name);
      return { people: `topic ${name} is deleted\n`, programs: json({ deleted: name }) };
    },
  });
}

/** What the options say of a topic. @throws UsageError */
function configOf(options: Readonly<Record<string, unknown>>): Partial<Omit<TopicConfig, 'name'>> {
  const { type, queues } = options;
  return {
    ...(typeof type === 'string' && { type: usage(() => parseTopicType(type)) }),
    ...(typeof queues === 'string' && { queues: wholeNumber('--queues', queues, 1, MAX_QUEUES) }),
    ...liteIdleOf(options),
  };
}

/** What stays of a topic that is changed. */
function keptOf(topic: TopicView): Omit<TopicConfig, 'name'>;
function keptOf(topic: TopicView | undefined): Partial<TopicConfig>;
function keptOf(topic: TopicView | undefined): Partial<TopicConfig> {
  if (topic === undefined) return {};
  const { type, queues, liteIdleMs } = topic;
  return { type, queues, ...(liteIdleMs !== undefined && { liteIdleMs }) };
}

/** Names after `--broker`; none for all. */
function brokersOf({ broker }: Readonly<Record<string, unknown>>): readonly string[] {
  return Array.isArray(broker) ? broker.map(String) : [];
}

async function put(
  admin: AdminApi,
  config: TopicConfig,
  brokers: readonly string[],
): Promise<Answer> {
  await admin.putTopic(config, [...new Set(brokers)]);
  const { name, type, queues } = config;
  return {
    people: `topic ${name} is in force: ${type}, ${queues} queue${queues === 1 ? '' : 's'}\n`,
    programs: json(config),
  };
}

async function find(admin: AdminApi, name: string): Promise<TopicView | undefined> {
  return (await admin.listTopics()).find((topic) => topic.name === name);
}

async function existing(admin: AdminApi, name: string): Promise<TopicView> {
  const found = await find(admin, name);
  if (found !== undefined) return found;
  throw new StatusError(Code.TOPIC_NOT_FOUND, `there is no topic ${name}`);
}

async function show(admin: AdminApi, name: string): Promise<Answer> {
  const found = await existing(admin, name);
  return { ...views([found]), programs: json(found) };
}

function views(topics: readonly TopicView[]): Answer {
  return {
    people: table(
      ['NAME', 'TYPE', 'QUEUES', 'BROKERS'],
      topics.map(({ name, type, queues, brokers }) => [
        name,
        type,
        String(queues),
        brokers.join(','),
      ]),
    ),
    programs: json(topics),
  };
}
