/** `gantry dlq list|show|resend|purge`: the dead letters of a consumer group. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { FoundMessages, MessageSearch } from '../api/message-search';
import { DLQ_PREFIX } from '../message/names';
import { Code, StatusError } from '../message/status';
import { adminCommand, wholeNumber, type Answer } from './admin-command';
import type * as DeadLetterView from './dead-letter-view';
import { addEndpoint, endpointOf } from './endpoint';
import { existingGroup } from './existing-group';
import { ExitError } from './exit-error';
import { addOutput, wantsJson } from './output';
import { progressBar } from './progress';
import type * as ResendDeadLetters from './resend-dead-letters';
import type { Terminal } from './terminal';
import { json, table } from './text';
import { UsageError } from './usage-error';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

const MAX_MESSAGES = 64;
const MAX_RATE = 100_000;
const MAX_RESENT = 1_000_000_000;

export function dlqCommand(program: Command, terminal: Terminal): void {
  const dlq = program
    .command('dlq')
    .description(
      'Look at the messages that a consumer group has given up, send them again, or throw them away.',
    );
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
      if (typeof group !== 'string') {
        throw new UsageError('say whose dead letter it is: --group GROUP');
      }
      return (admin) => show(admin, group, id);
    },
  });
  addResend(dlq, terminal);
  adminCommand(dlq, terminal, {
    name: 'purge <GROUP>',
    description: 'Delete all dead letters of a group, for all who read them.',
    options: [['--yes', 'that this is meant']],
    prepare: (group, { yes }) => {
      if (yes !== true) throw new UsageError('dead letters do not come back: say --yes');
      return async (admin) => {
        await ofGroup(admin, group, admin.deleteTopic(DLQ_PREFIX + group), undefined);
        return {
          people: `group ${group} has no dead letters any more\n`,
          programs: json({ purged: group }),
        };
      };
    },
  });
}

function addResend(dlq: Command, terminal: Terminal): void {
  const command = dlq
    .command('resend <GROUP>')
    .description("Send a group's dead letters to the topics they came from, each once.")
    .option('--rate <N>', `messages a second, 1 to ${MAX_RATE}`, '100')
    .option('--max <N>', 'as many as this at most (default: all that are there now)')
    .addHelpText(
      'after',
      '\nEach is sent, then acknowledged for the group gantry-dlq-resend: what a run that was ended\n' +
        'has sent is not sent again by the next one, but for the one that was under way.',
    );
  addEndpoint(command);
  addOutput(command);
  command.action(async (group: string) => {
    const { rate, max } = command.opts<{ readonly rate: string; readonly max?: string }>();
    const order = {
      group,
      ratePerSecond: wholeNumber('--rate', rate, 1, MAX_RATE),
      max: max === undefined ? Infinity : wholeNumber('--max', max, 1, MAX_RESENT),
    };
    const endpoint = endpointOf(command, terminal);
    const { resendDeadLetters } = require('./resend-dead-letters') as typeof ResendDeadLetters;
    const progress = progressBar(terminal, () => '');
    let result;
    try {
      result = await resendDeadLetters(endpoint, order, (done, total) =>
        progress.update(done, total),
      );
    } finally {
      progress.clear();
    }
    const { resent, kept } = result;
    const people = `${resent} dead letters of group ${group} sent again\n`;
    terminal.out(wantsJson(command) ? json(result) : people);
    if (kept.length === 0) return;
    for (const { messageId, reason } of kept) terminal.err(`${messageId} not sent: ${reason}\n`);
    throw new ExitError(1);
  });
}

/** Those of all times. @throws StatusError CONSUMER_GROUP_NOT_FOUND */
function deadLetters(
  admin: AdminApi,
  group: string,
  search: Pick<MessageSearch, 'by' | 'key' | 'maxMessages'>,
): Promise<FoundMessages> {
  const always = { beginMs: 0, endMs: Number.MAX_SAFE_INTEGER };
  const found = admin.findMessages({ topic: DLQ_PREFIX + group, ...search, ...always });
  return ofGroup(admin, group, found, { messages: [], complete: true });
}

/** A group that has given up nothing yet has no topic for it: `none` then. */
async function ofGroup<T>(admin: AdminApi, group: string, answer: Promise<T>, none: T): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof StatusError) || error.code !== Code.TOPIC_NOT_FOUND) throw error;
    await existingGroup(admin, group);
    return none;
  }
}

async function list(admin: AdminApi, group: string, maxMessages: number): Promise<Answer> {
  const { messages, complete } = await deadLetters(admin, group, {
    ...{ by: 'time', key: '', maxMessages },
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
  const { messages } = await deadLetters(admin, group, { by: 'id', key: id, maxMessages: 1 });
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
