/** `gantry dlq list|show|purge`: the dead letters of a consumer group. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import { DLQ_PREFIX } from '../message/names';
import { Code, StatusError } from '../message/status';
import { adminCommand, wholeNumber, type Answer } from './admin-command';
import type * as DeadLetterView from './dead-letter-view';
import type { Terminal } from './terminal';
import { json, table } from './text';
import { UsageError } from './usage-error';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

const MAX_MESSAGES = 64;

export function dlqCommand(program: Command, terminal: Terminal): void {
  const dlq = program
    .command('dlq')
    .description('Look at the messages that a consumer group has given up, and throw them away.');
  adminCommand(dlq, terminal, {
    name: 'list <GROUP>',
    description: "List a group's dead letters, the oldest first.",
    options: [
      ['--max <N>', `as many as this at most, 1 to ${MAX_MESSAGES} (default: ${MAX_MESSAGES})`],
    ],
    prepare: (group, { max }) => {
      const count =
        typeof max === 'string' ? wholeNumber('--max', max, 1, MAX_MESSAGES) : MAX_MESSAGES;
      return (admin) => list(admin, group, count);
    },
  });
  adminCommand(dlq, terminal, {
    name: 'show <ID>',
    description: 'Show one dead letter by its message id.',
    options: [['--group <GROUP>', 'the consumer group that gave it up']],
    prepare: (id, { group }) => {
      if (typeof group !== 'string') throw new UsageError('--group says whose dead letter it is');
      return (admin) => show(admin, group, id);
    },
  });
  adminCommand(dlq, terminal, {
    name: 'purge <GROUP>',
    description: 'Delete all dead letters of a group, for all who read them.',
    options: [['--yes', 'that this is meant']],
    prepare: (group, { yes }) => {
      if (yes !== true) throw new UsageError('dead letters do not come back: say --yes');
      return async (admin) => {
        await admin.deleteTopic(DLQ_PREFIX + group);
        return {
          people: `the dead letters of group ${group} are deleted\n`,
          programs: json({ purged: group }),
        };
      };
    },
  });
}

async function list(admin: AdminApi, group: string, maxMessages: number): Promise<Answer> {
  const { messages, complete } = await admin.findMessages({
    topic: DLQ_PREFIX + group,
    by: 'time',
    key: '',
    ...{ maxMessages, beginMs: 0, endMs: Number.MAX_SAFE_INTEGER },
  });
  const { deadLetterView } = require('./dead-letter-view') as typeof DeadLetterView;
  const letters = messages.map(deadLetterView);
  const rows = letters.map((one) => [
    one.messageId,
    one.originTopic,
    String(one.attempts),
    one.storedAt,
    one.body ?? `base64:${one.bodyBase64 ?? ''}`,
  ]);
  const people = table(['MESSAGE ID', 'FROM TOPIC', 'ATTEMPTS', 'GIVEN UP AT', 'BODY'], rows);
  return {
    people: complete ? people : `${people}there may be more\n`,
    programs: json({ messages: letters, complete }),
  };
}

async function show(admin: AdminApi, group: string, id: string): Promise<Answer> {
  const { messages } = await admin.findMessages({
    topic: DLQ_PREFIX + group,
    by: 'id',
    key: id,
    ...{ maxMessages: 1, beginMs: 0, endMs: Number.MAX_SAFE_INTEGER },
  });
  const { deadLetterView } = require('./dead-letter-view') as typeof DeadLetterView;
  const [found] = messages.map(deadLetterView);
  if (found === undefined) {
    const text = `group ${group} has no dead letter ${id}, as far as messages are indexed yet`;
    throw new StatusError(Code.MESSAGE_NOT_FOUND, text);
  }
  const rows = [
    ['message id', found.messageId],
    ['from topic', found.originTopic],
    ['attempts', String(found.attempts)],
    ['given up at', found.storedAt],
    ['tag', found.tag ?? '-'],
    ['keys', found.keys.length === 0 ? '-' : found.keys.join(',')],
    ...Object.entries(found.properties).map(([key, value]) => [`property ${key}`, value]),
    ['body', found.body ?? `base64:${found.bodyBase64 ?? ''}`],
  ];
  return { people: table(['FIELD', 'VALUE'], rows), programs: json(found) };
}
