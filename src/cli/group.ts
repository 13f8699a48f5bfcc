/** `gantry group create|list|show|delete|faults`. */
import type { Command } from 'commander';

import type { AdminApi, FilterFaultView } from '../api/admin-api';
import {
  DEFAULT_BACKOFF,
  DEFAULT_MAX_ATTEMPTS,
  type BackoffPolicy,
  type GroupConfig,
} from '../api/topic';
import { Code, StatusError } from '../message/status';
import { adminCommand, usage, wholeNumber, type Answer } from './admin-command';
import type { Terminal } from './terminal';
import { json, table } from './text';

const MAX_ATTEMPTS_LIMIT = 1000;

export function groupCommand(program: Command, terminal: Terminal): void {
  const group = program
    .command('group')
    .description('Create, list, show and delete consumer groups.');
  adminCommand(group, terminal, {
    name: 'create <NAME>',
    description: 'Create a consumer group, or change one.',
    options: [
      ['--fifo', 'deliver the messages of one message group in order'],
      [
        '--max-attempts <N>',
        `deliveries before the dead letter queue, the first one counted, 1 to ${MAX_ATTEMPTS_LIMIT} (default: ${DEFAULT_MAX_ATTEMPTS})`,
      ],
      ['--lite-topic <TOPIC>', 'the parent topic, for a group of lite topics'],
      [
        '--from-beginning',
        'start at the oldest message of a topic that is subscribed for the first time, not at its end',
      ],
    ],
    prepare: (name, options) => {
      const config = groupConfig(name, options);
      return async (admin) => {
        await admin.putGroup(config);
        return {
          people: `group ${name} is in force: ${summary(config)}\n`,
          programs: json(config),
        };
      };
    },
  });
  adminCommand(group, terminal, {
    name: 'list',
    description: 'List all consumer groups.',
    prepare: () => async (admin) => views(await admin.listGroups()),
  });
  adminCommand(group, terminal, {
    name: 'show <NAME>',
    description: 'Show one consumer group.',
    prepare: (name) => (admin) => show(admin, name),
  });
  adminCommand(group, terminal, {
    name: 'faults',
    description: 'List what filters of consumer groups could not evaluate.',
    prepare: () => async (admin) => faults(await admin.filterFaults()),
  });
  adminCommand(group, terminal, {
    name: 'delete <NAME>',
    description: 'Delete a consumer group with its progress.',
    prepare: (name) => async (admin) => {
      await admin.deleteGroup(name);
      return { people: `group ${name} is deleted\n`, programs: json({ deleted: name }) };
    },
  });
}

/** A new group as its options say, all else by default. */
function groupConfig(name: string, options: Readonly<Record<string, unknown>>): GroupConfig {
  const { fifo, maxAttempts, liteTopic, fromBeginning } = options;
  return {
    name,
    fifo: fifo === true,
    maxAttempts:
      typeof maxAttempts === 'string'
        ? usage(() => wholeNumber('--max-attempts', maxAttempts, 1, MAX_ATTEMPTS_LIMIT))
        : DEFAULT_MAX_ATTEMPTS,
    backoff: DEFAULT_BACKOFF,
    ...(typeof liteTopic === 'string' ? { liteTopic } : {}),
    startFrom: fromBeginning === true ? 'beginning' : 'end',
  };
}

async function show(admin: AdminApi, name: string): Promise<Answer> {
  const found = (await admin.listGroups()).find((group) => group.name === name);
  if (found === undefined) {
    throw new StatusError(Code.CONSUMER_GROUP_NOT_FOUND, `there is no consumer group ${name}`);
  }
  const rows = [
    ['name', name],
    ['order', order(found)],
    ['max attempts', String(found.maxAttempts)],
    ['backoff', backoff(found.backoff)],
    ['lite topic', found.liteTopic ?? 'none'],
    ['starts at', found.startFrom],
  ];
  return { people: table(['GROUP', ''], rows), programs: json(found) };
}

function views(groups: readonly GroupConfig[]): Answer {
  return {
    people: table(
      ['NAME', 'ORDER', 'MAX ATTEMPTS', 'LITE TOPIC', 'STARTS AT'],
      groups.map((group) => [
        group.name,
        order(group),
        String(group.maxAttempts),
        group.liteTopic ?? '-',
        group.startFrom,
      ]),
    ),
    programs: json(groups),
  };
}

function faults(views: readonly FilterFaultView[]): Answer {
  return {
    people: table(
      ['GROUP', 'TOPIC', 'BROKER', 'FAULTS', 'QUEUE', 'OFFSET', 'WHEN', 'LATEST FAULT'],
      views.map((fault) => [
        fault.group,
        fault.topic,
        fault.broker,
        String(fault.faults),
        String(fault.lastQueueId),
        String(fault.lastOffset),
        new Date(fault.lastWallMs).toISOString(),
        fault.lastFault,
      ]),
    ),
    programs: json(views),
  };
}

function summary(group: GroupConfig): string {
  const lite = group.liteTopic === undefined ? '' : `, lite topics of ${group.liteTopic}`;
  return `${order(group)}, ${group.maxAttempts} attempts at most, starts at the ${group.startFrom}${lite}`;
}

function order({ fifo }: GroupConfig): string {
  return fifo ? 'FIFO' : 'concurrent';
}

function backoff(policy: BackoffPolicy): string {
  const seconds = (ms: number): string => `${ms / 1000}s`;
  switch (policy.kind) {
    case 'exponential':
      return `${seconds(policy.initialMs)}, times ${policy.multiplier} up to ${seconds(policy.maxMs)}`;
    case 'customized':
      return policy.nextMs.map(seconds).join(' ');
  }
}
