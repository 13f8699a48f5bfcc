/** `gantry topic create|list|show|delete`. */
import type { Command } from 'commander';

import type { AdminApi, TopicView } from '../api/admin-api';
import { DEFAULT_QUEUES, MAX_QUEUES, TOPIC_TYPES, type TopicConfig } from '../api/topic';
import { parseQueues, parseTopicType } from '../config/formats';
import { Code, StatusError } from '../message/status';
import { adminCommand, usage, type Answer } from './admin-command';
import type { Terminal } from './terminal';
import { json, table } from './text';

export function topicCommand(program: Command, terminal: Terminal): void {
  const topic = program.command('topic').description('Create, list, show and delete topics.');
  adminCommand(topic, terminal, {
    name: 'create <NAME>',
    description: 'Create a topic, or change one: queues may be added.',
    options: [
      ['--type <TYPE>', `${TOPIC_TYPES.join(', ')} (default: NORMAL)`],
      ['--queues <N>', `queues on each broker, 1 to ${MAX_QUEUES} (default: ${DEFAULT_QUEUES})`],
    ],
    prepare: (name, options) => {
      const config = topicConfig(name, options);
      return (admin) => create(admin, config);
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
  adminCommand(topic, terminal, {
    name: 'delete <NAME>',
    description: 'Delete a topic with all its messages.',
    prepare: (name) => async (admin) => {
      await admin.deleteTopic(name);
      return { people: `topic ${name} is deleted\n`, programs: json({ deleted: name }) };
    },
  });
}

function topicConfig(name: string, options: Readonly<Record<string, unknown>>): TopicConfig {
  const { type, queues } = options;
  return {
    name,
    type: typeof type === 'string' ? usage(() => parseTopicType(type)) : 'NORMAL',
    queues: typeof queues === 'string' ? usage(() => parseQueues(queues)) : DEFAULT_QUEUES,
  };
}

async function create(admin: AdminApi, config: TopicConfig): Promise<Answer> {
  await admin.putTopic(config);
  const { name, type, queues } = config;
  return {
    people: `topic ${name} is in force: ${type}, ${queues} queue${queues === 1 ? '' : 's'}\n`,
    programs: json(config),
  };
}

async function show(admin: AdminApi, name: string): Promise<Answer> {
  const found = (await admin.listTopics()).find((topic) => topic.name === name);
  if (found === undefined) {
    throw new StatusError(Code.TOPIC_NOT_FOUND, `there is no topic ${name}`);
  }
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
