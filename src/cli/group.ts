/** `gantry group create|update|list|show|lag|consumers|reset|delete|faults`. */
import type { Command } from 'commander';

import type { AdminApi, FilterFaultView } from '../api/admin-api';
import { DEFAULT_MAX_ATTEMPTS, MAX_LITE_QUOTA, newGroup, type GroupConfig } from '../api/topic';
import { backoffText, parseBackoff } from './backoff';
import { adminCommand, usage, wholeNumber, type Answer } from './admin-command';
import { existingGroup } from './existing-group';
import { groupLagCommands } from './group-lag';
import { groupResetCommand } from './group-reset';
import type { Terminal } from './terminal';
import { json, table } from './text';
import { UsageError } from './usage-error';

const MAX_ATTEMPTS_LIMIT = 1000;

export function groupCommand(program: Command, terminal: Terminal): void {
  const group = program
    .command('group')
    .description('Create, change, list, show, move and delete consumer groups.');
  adminCommand(group, terminal, {
    name: 'create <NAME>',
    description: 'Create a consumer group, or replace all that is said of one.',
    options: [
      ['--fifo', 'deliver the messages of one message group in order'],
      attemptsOption(` (default: ${DEFAULT_MAX_ATTEMPTS})`),
      backoffOption(' (default: 1s to 2h in 18 steps)'),
      ['--lite-topic <TOPIC>', 'the parent topic, for a group of lite topics'],
      liteQuotaOption,
      [
        '--from-beginning',
        'start at the oldest message of a topic that is subscribed for the first time, not at its end',
      ],
    ],
    prepare: (name, options) => {
      const config = groupConfig(name, options);
      return async (admin) => {
        await admin.putGroup(config);
        return inForce(config);
      };
    },
  });
  adminCommand(group, terminal, {
    name: 'update <NAME>',
    description: 'Change what the options say of a consumer group, and leave the rest.',
    options: [
      ['--fifo', 'deliver the messages of one message group in order'],
      ['--no-fifo', 'deliver without order'],
      attemptsOption(''),
      backoffOption(''),
      liteQuotaOption,
    ],
    prepare: (name, options) => {
      const changes = groupChanges(options);
      if (Object.keys(changes).length === 0) {
        throw new UsageError(
          'say what to change: --fifo, --no-fifo, --max-attempts, --backoff or --lite-quota',
        );
      }
      return async (admin) => {
        const config = { ...(await existingGroup(admin, name)), ...changes };
        await admin.putGroup(config);
        return inForce(config);
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
  groupLagCommands(group, terminal);
  groupResetCommand(group, terminal);
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

type Option = readonly [flags: string, description: string];

const liteQuotaOption: Option = [
  '--lite-quota <N>',
  `lite topics that one client may receive, 1 to ${MAX_LITE_QUOTA}, for a group of lite topics`,
];

function attemptsOption(more: string): Option {
  const text = 'deliveries before the dead letter queue, the first one counted';
  return ['--max-attempts <N>', `${text}, 1 to ${MAX_ATTEMPTS_LIMIT}${more}`];
}

function backoffOption(more: string): Option {
  const text = 'delays between attempts: 1s,5s,30s or exponential:FIRST,LONGEST,MULTIPLIER';
  return ['--backoff <DELAYS>', `${text}${more}`];
}

/** A new group as its options say, all else by default. */
function groupConfig(name: string, options: Readonly<Record<string, unknown>>): GroupConfig {
  const { liteTopic, fromBeginning } = options;
  return {
    ...newGroup(name),
    ...groupChanges(options),
    ...(typeof liteTopic === 'string' ? { liteTopic } : {}),
    startFrom: fromBeginning === true ? 'beginning' : 'end',
  };
}

/** What options say of a group. */
function groupChanges({
  fifo,
  maxAttempts,
  backoff,
  liteQuota,
}: Readonly<Record<string, unknown>>): Partial<GroupConfig> {
  return {
    ...(typeof fifo === 'boolean' ? { fifo } : {}),
    ...(typeof maxAttempts === 'string'
      ? { maxAttempts: wholeNumber('--max-attempts', maxAttempts, 1, MAX_ATTEMPTS_LIMIT) }
      : {}),
    ...(typeof backoff === 'string' ? { backoff: usage(() => parseBackoff(backoff)) } : {}),
    ...(typeof liteQuota === 'string'
      ? { liteQuota: wholeNumber('--lite-quota', liteQuota, 1, MAX_LITE_QUOTA) }
      : {}),
  };
}

function inForce(config: GroupConfig): Answer {
  return {
    people: `group ${config.name} is in force: ${summary(config)}\n`,
    programs: json(config),
  };
}

async function show(admin: AdminApi, name: string): Promise<Answer> {
  const found = await existingGroup(admin, name);
  const rows = [
    ['name', name],
    ['order', order(found)],
    ['max attempts', String(found.maxAttempts)],
    ['backoff', backoffText(found.backoff)],
    ['lite topic', found.liteTopic ?? 'none'],
    ...(found.liteQuota === undefined ? [] : [['lite quota', String(found.liteQuota)]]),
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
