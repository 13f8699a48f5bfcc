/** `gantry receive TOPIC --group G`: receives messages and acknowledges them, to try things by hand. */
import type { Command } from 'commander';

import { parseValue } from '../config/formats';
import { option } from '../config/option';
import { usage, wholeNumber } from './admin-command';
import { addEndpoint, endpointOf } from './endpoint';
import { addOutput, wantsJson } from './output';
import type { ReceivedMessage } from './receive-messages';
import type { Terminal } from './terminal';
import { line, plain } from './text';
import type * as ReceiveMessages from './receive-messages';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

interface Options {
  readonly group: string;
  readonly max: string;
  readonly wait: string;
  readonly invisible: string;
  readonly tag: string;
  readonly fromBeginning?: true;
  readonly ack: boolean;
}

const MAX_MESSAGES = 1_000_000;
const MAX_WAIT_SECONDS = 86_400;
const invisible = option('duration', 30_000, '', { min: 1, max: 72 * 3_600_000 });
/** Message ids have 34 characters. */
const WIDTHS = [34, 7, 12, 16];

export function receiveCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('receive <TOPIC>')
    .description('Receive messages and acknowledge them.')
    .requiredOption('--group <GROUP>', 'the consumer group; made when it is new')
    .option('--max <N>', 'ends after so many messages', '1')
    .option('--wait <SECONDS>', 'ends after so many seconds', '20')
    .option('--tag <TAGS>', 'only messages with one of these tags: A||B', '*')
    .option('--from-beginning', 'a new group starts at the oldest message, not at the end')
    .option('--invisible <DURATION>', 'until a message that is not acknowledged comes again', '30s')
    .option('--no-ack', 'leave the messages to come again');
  addEndpoint(command);
  addOutput(command);
  command.action((topic: string) => receive(command, topic, terminal));
}

async function receive(command: Command, topic: string, terminal: Terminal): Promise<void> {
  const options = command.opts<Options>();
  const json = wantsJson(command);
  const order = {
    topic,
    group: options.group,
    max: wholeNumber('--max', options.max, 1, MAX_MESSAGES),
    waitMs: 1000 * wholeNumber('--wait', options.wait, 0, MAX_WAIT_SECONDS),
    invisibleMs: Number(usage(() => parseInvisible(options.invisible))),
    tags: options.tag,
    fromBeginning: options.fromBeginning === true,
    acknowledge: options.ack,
  };
  const endpoint = endpointOf(command, terminal);
  const { receiveMessages } = require('./receive-messages') as typeof ReceiveMessages;
  let count = 0;
  await receiveMessages(endpoint, order, (message) => {
    if (count === 0 && !json) {
      terminal.out(line(['MESSAGE ID', 'ATTEMPT', 'TAG', 'KEYS', 'BODY'], WIDTHS));
    }
    count++;
    terminal.out(json ? `${JSON.stringify(message)}\n` : row(message));
  });
  if (count === 0) terminal.err(`no message within ${options.wait} s\n`);
}

function parseInvisible(text: string): unknown {
  try {
    return parseValue(invisible, text);
  } catch (error) {
    throw new Error(`--invisible ${(error as Error).message}, got ${text}`, { cause: error });
  }
}

function row(message: ReceivedMessage): string {
  const body = message.body ?? `base64:${message.bodyBase64 ?? ''}`;
  const cells = [
    message.messageId,
    String(message.attempt),
    message.tag ?? '-',
    message.keys.length === 0 ? '-' : message.keys.join(','),
    plain(body),
  ];
  return line(cells, WIDTHS);
}
