/** `gantry delay list|show|recall`: messages that wait for their delivery time. */
import type { Command } from 'commander';

import type { AdminApi } from '../api/admin-api';
import type { DelayedRef, DelayedView } from '../api/delayed-api';
import { formatRecallHandle, parseRecallHandle } from '../api/recall-handle';
import { Code, StatusError } from '../message/status';
import { adminCommand, wholeNumber, type Answer } from './admin-command';
import type { Terminal } from './terminal';
import { json, table } from './text';

const MAX_LISTED = 1000;
const DEFAULT_LISTED = 100;

export function delayCommand(program: Command, terminal: Terminal): void {
  const delay = program
    .command('delay')
    .description('Look at messages that wait for their delivery time, and recall them.');
  adminCommand(delay, terminal, {
    name: 'list',
    description:
      'Count the messages that wait, for each topic and each hour in which they are due.',
    options: [
      ['--topic <TOPIC>', 'of this topic only'],
      ['--messages', 'list the messages themselves, the earliest due first'],
      ['--max <N>', `as many messages at most, 1 to ${MAX_LISTED} (default: ${DEFAULT_LISTED})`],
    ],
    prepare: (_none, { topic, messages, max }) => {
      const named = typeof topic === 'string' ? topic : '';
      const maxMessages =
        typeof max === 'string' ? wholeNumber('--max', max, 1, MAX_LISTED) : DEFAULT_LISTED;
      return (admin) =>
        messages === true ? listMessages(admin, named, maxMessages) : listCounts(admin, named);
    },
  });
  adminCommand(delay, terminal, {
    name: 'show <ID>',
    description: 'Show one message that waits by its message id.',
    options: [['--topic <TOPIC>', 'its topic; needed when the id waits on several']],
    prepare:
      (id, { topic }) =>
      async (admin) => {
        const found = viewOf(await find(admin, topic, id));
        const rows = [
          ['message id', found.messageId],
          ['topic', found.topic],
          ['due at', found.dueAt],
          ['sent at', found.sentAt],
          ['broker', found.broker],
          ['recall handle', found.recallHandle],
        ];
        return { people: table(['FIELD', 'VALUE'], rows), programs: json(found) };
      },
  });
  adminCommand(delay, terminal, {
    name: 'recall <ID-OR-HANDLE>',
    description:
      'Recall a message by its id, or by the handle that its send answered: it is not delivered.',
    options: [['--topic <TOPIC>', 'its topic; needed when the id waits on several']],
    prepare:
      (id, { topic }) =>
      async (admin) => {
        const message = refOfHandle(id) ?? refOf(await find(admin, topic, id));
        await admin.recallDelayed(message);
        const { topic: named, messageId } = message;
        return {
          people: `message ${messageId} of topic ${named} is recalled\n`,
          programs: json({ recalled: messageId, topic: named }),
        };
      },
  });
}

async function listCounts(admin: AdminApi, topic: string): Promise<Answer> {
  const { counts, total } = await admin.listDelayed({ topic, messageId: '', maxMessages: 0 });
  const hours = counts.map(({ topic: named, hourMs, messages }) => ({
    ...{ topic: named, hour: iso(hourMs), messages },
  }));
  const rows = hours.map((one) => [one.topic, one.hour, String(one.messages)]);
  const people = table(['TOPIC', 'DUE IN THE HOUR OF', 'MESSAGES'], rows);
  return { people: `${people}${total} in all\n`, programs: json({ hours, total }) };
}

async function listMessages(admin: AdminApi, topic: string, maxMessages: number): Promise<Answer> {
  const { messages, total } = await admin.listDelayed({ topic, messageId: '', maxMessages });
  const views = messages.map(viewOf);
  const rows = views.map((one) => [one.messageId, one.topic, one.dueAt, one.sentAt]);
  const people = table(['MESSAGE ID', 'TOPIC', 'DUE AT', 'SENT AT'], rows);
  const more = total > views.length ? `${views.length} of ${total}\n` : '';
  return { people: people + more, programs: json({ messages: views, total }) };
}

/** The message of an id that waits. */
async function find(admin: AdminApi, topic: unknown, id: string): Promise<DelayedView> {
  const named = typeof topic === 'string' ? topic : '';
  const { messages } = await admin.listDelayed({ topic: named, messageId: id, maxMessages: 64 });
  const [first] = messages;
  if (first === undefined) {
    const text = `no message ${id} waits, as far as messages are indexed yet`;
    throw new StatusError(Code.MESSAGE_NOT_FOUND, text);
  }
  const other = messages.find((one) => one.topic !== first.topic);
  if (other === undefined) return first;
  throw new StatusError(
    Code.BAD_REQUEST,
    `messages ${id} wait on topics ${first.topic} and ${other.topic}: say --topic`,
  );
}

function refOfHandle(text: string): DelayedRef | undefined {
  const handle = parseRecallHandle(text);
  if (handle === undefined) return undefined;
  const { brokerName: broker, topic, messageId, deliverMs } = handle;
  return { broker, topic, messageId, deliverMs };
}

function refOf({ broker, topic, messageId, dueMs }: DelayedView): DelayedRef {
  return { broker, topic, messageId, deliverMs: dueMs };
}

interface View extends Pick<DelayedView, 'broker' | 'topic' | 'messageId'> {
  readonly dueAt: string;
  readonly sentAt: string;
  readonly recallHandle: string;
}

function viewOf({ broker, topic, messageId, dueMs, sentMs }: DelayedView): View {
  const handle = { topic, brokerName: broker, deliverMs: dueMs, messageId };
  return {
    ...{ broker, topic, messageId, dueAt: iso(dueMs), sentAt: iso(sentMs) },
    recallHandle: formatRecallHandle(handle),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
