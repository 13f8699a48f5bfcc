/** `gantry message get|find`: stored messages, whether they were consumed or not. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { FoundMessages, MessageSearch } from '../api/message-search';
import { Code, StatusError } from '../message/status';
import { adminCommand, timeOf, wholeNumber, type Answer } from './admin-command';
import type { StoredMessage } from './message-view';
import type * as MessageView from './message-view';
import type { Terminal } from './terminal';
import { json, table } from './text';
import { UsageError } from './usage-error';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

const MAX_MESSAGES = 64;
const ALWAYS = { beginMs: 0, endMs: Number.MAX_SAFE_INTEGER };

export function messageCommand(program: Command, terminal: Terminal): void {
  const message = program.command('message').description('Look at stored messages.');
  adminCommand(message, terminal, {
    name: 'get <ID>',
    description:
      'Show one message by its id: the one that clients see, or one that says where it lies.',
    options: [['--topic <TOPIC>', 'where it is; without it all topics are searched']],
    prepare: (id, { topic }) => {
      const search: MessageSearch = {
        topic: textOf(topic),
        by: 'id',
        key: id,
        maxMessages: MAX_MESSAGES,
        ...ALWAYS,
      };
      return (admin) => get(admin, search);
    },
  });
  adminCommand(message, terminal, {
    name: 'find',
    description: 'List messages of a topic by key, by time, or by both.',
    options: [
      ['--topic <TOPIC>', 'the topic'],
      ['--key <KEY>', 'only messages with this key, the newest first'],
      ['--from <TIME>', 'stored at this time or later: ISO 8601, or milliseconds'],
      ['--to <TIME>', 'stored at this time or before'],
      ['--max <N>', `as many as this at most, 1 to ${MAX_MESSAGES} (default: ${MAX_MESSAGES})`],
    ],
    prepare: (_argument, options) => {
      const search = searchOf(options);
      return async (admin) => list(await admin.findMessages(search));
    },
  });
}

function searchOf(options: Readonly<Record<string, unknown>>): MessageSearch {
  const topic = textOf(options['topic']);
  const key = textOf(options['key']);
  const { from, to, max } = options;
  if (topic === '') throw new UsageError('say where to look: --topic TOPIC');
  if (key === '' && from === undefined && to === undefined) {
    throw new UsageError('say what to look for: --key or --from');
  }
  const beginMs = typeof from === 'string' ? timeOf('--from', from) : ALWAYS.beginMs;
  const endMs = typeof to === 'string' ? timeOf('--to', to) : ALWAYS.endMs;
  if (beginMs > endMs) throw new UsageError('--from is behind --to');
  return {
    topic,
    by: key === '' ? 'time' : 'key',
    key,
    maxMessages:
      typeof max === 'string' ? wholeNumber('--max', max, 1, MAX_MESSAGES) : MAX_MESSAGES,
    beginMs,
    endMs,
  };
}

function textOf(option: unknown): string {
  return typeof option === 'string' ? option : '';
}

async function get(admin: AdminApi, search: MessageSearch): Promise<Answer> {
  const { messages, complete } = await admin.findMessages(search);
  const { messageView } = require('./message-view') as typeof MessageView;
  const [first, ...others] = messages.map(messageView);
  if (first === undefined) {
    const where = search.topic === '' ? '' : ` in topic ${search.topic}`;
    const text = `there is no message ${search.key}${where}`;
    const doubt = complete ? '' : ', as far as messages are indexed yet';
    throw new StatusError(Code.MESSAGE_NOT_FOUND, `${text}${doubt}`);
  }
  // A producer that sends again after a timeout may store its message twice.
  return {
    people: [first, ...others].map(details).join('\n'),
    programs: json(others.length === 0 ? first : [first, ...others]),
  };
}

function details(message: StoredMessage): string {
  const rows: [string, string][] = [
    ['message id', message.messageId],
    ['offset message id', message.offsetMessageId],
    ['topic', message.topic],
    ...(message.sentTo === undefined
      ? []
      : [['sent to', message.sentTo] satisfies [string, string]]),
    ['broker', message.broker],
    ['queue', String(message.queue)],
    ['offset', String(message.offset)],
    ['tag', message.tag ?? '-'],
    ['keys', message.keys.length === 0 ? '-' : message.keys.join(',')],
    ['stored at', message.storedAt],
    ['born at', `${message.bornAt} on ${message.bornHost}`],
    ...Object.entries(message.properties).map(([key, value]): [string, string] => [
      `property ${key}`,
      value,
    ]),
    ['body', bodyOf(message)],
  ];
  return table(['FIELD', 'VALUE'], rows);
}

function list({ messages, complete }: FoundMessages): Answer {
  const { messageView } = require('./message-view') as typeof MessageView;
  const views = messages.map(messageView);
  const rows = views.map((view) => [
    view.messageId === '' ? view.offsetMessageId : view.messageId,
    view.storedAt,
    `${view.broker}/${view.queue}/${view.offset}`,
    view.tag ?? '-',
    view.keys.length === 0 ? '-' : view.keys.join(','),
    bodyOf(view),
  ]);
  const people = table(['MESSAGE ID', 'STORED AT', 'PLACE', 'TAG', 'KEYS', 'BODY'], rows);
  return {
    people: complete ? people : `${people}there may be more\n`,
    programs: json({ messages: views, complete }),
  };
}

function bodyOf({ body, bodyBase64 }: StoredMessage): string {
  return body ?? `base64:${bodyBase64 ?? ''}`;
}
