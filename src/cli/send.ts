/** `gantry send TOPIC`: sends one message, to try things by hand. */
import type { Command } from 'commander';

import { parseValue } from '../config/formats';
import { option } from '../config/option';
import { errorText } from '../platform/error-text';
import { wholeNumber } from './admin-command';
import { addEndpoint, endpointOf } from './endpoint';
import { addOutput, wantsJson } from './output';
import type { Terminal } from './terminal';
import { json } from './text';
import { UsageError } from './usage-error';
import type { MessageKind } from './send-message';
import type * as SendMessage from './send-message';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

/** What the API's field holds. */
const MAX_PRIORITY = 0x7fffffff;
/** As long as a proxy may allow at most (`delay.max`). */
const delayOption = option('duration', 0, '', { min: 1, max: 10 * 365 * 24 * 3_600_000 });

interface Options {
  readonly body?: string;
  readonly tag?: string;
  readonly key?: readonly string[];
  readonly property?: readonly string[];
  readonly priority?: string;
  readonly group?: string;
  readonly delay?: string;
  readonly liteTopic?: string;
}

const gather = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

export function sendCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('send <TOPIC>')
    .description('Send a message.')
    .option('--body <TEXT>', 'the body (default: standard input)')
    .option('--tag <TAG>', 'the tag that consumers may filter by')
    .option('--key <KEY>', 'a key to find the message by; as often as wanted', gather)
    .option('--property <NAME=VALUE>', 'a property; as often as wanted', gather)
    .option('--priority <NUMBER>', 'from 0 on, higher is sooner: for a topic of type PRIORITY')
    .option('--group <GROUP>', 'its message group: for a topic of type FIFO')
    .option('--delay <DURATION>', 'until it is delivered, as 30s: for a topic of type DELAY')
    .option('--lite-topic <NAME>', 'its lite topic: for a topic of type LITE');
  addEndpoint(command);
  addOutput(command);
  command.action((topic: string) => send(command, topic, terminal));
}

async function send(command: Command, topic: string, terminal: Terminal): Promise<void> {
  const options = command.opts<Options>();
  const endpoint = endpointOf(command, terminal);
  const properties = propertiesOf(options.property ?? []);
  const kind = kindOf(options);
  const body = await bodyOf(options, terminal);
  const { sendMessage } = require('./send-message') as typeof SendMessage;
  const { messageId, offset } = await sendMessage(endpoint, {
    topic,
    body,
    tag: options.tag,
    keys: options.key ?? [],
    properties,
    ...(kind !== undefined && { kind }),
  });
  if (wantsJson(command)) terminal.out(json({ topic, messageId, offset }));
  else terminal.out(`sent ${messageId} to ${topic}, offset ${offset}\n`);
}

/** @throws UsageError when more than one kind is asked for, or one with a wrong value */
function kindOf(options: Options): MessageKind | undefined {
  const { priority, group, delay, liteTopic } = options;
  const kinds: MessageKind[] = [];
  if (priority !== undefined) {
    const value = wholeNumber('--priority', priority, 0, MAX_PRIORITY);
    kinds.push({ type: 'PRIORITY', priority: value });
  }
  if (group !== undefined) kinds.push({ type: 'FIFO', group });
  if (delay !== undefined) kinds.push({ type: 'DELAY', delayMs: delayOf(delay) });
  if (liteTopic !== undefined) kinds.push({ type: 'LITE', liteTopic });
  if (kinds.length > 1) {
    throw new UsageError('a message has one of --priority, --group, --delay and --lite-topic');
  }
  return kinds[0];
}

function delayOf(text: string): number {
  try {
    return Number(parseValue(delayOption, text));
  } catch (error) {
    throw new UsageError(`--delay ${errorText(error)}, got ${text}`);
  }
}

async function bodyOf({ body }: Options, terminal: Terminal): Promise<Buffer> {
  const bytes = body === undefined ? await terminal.input() : Buffer.from(body);
  if (bytes !== undefined && bytes.length > 0) return bytes;
  throw new UsageError('a message needs a body: --body TEXT, or standard input');
}

function propertiesOf(given: readonly string[]): Readonly<Record<string, string>> {
  const pairs = given.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--property must be NAME=VALUE, got ${text}`);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}
