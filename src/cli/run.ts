/** Runs one command line. */
import { Command, CommanderError } from 'commander';

import { ConfigError } from '../config/config-error';
import { codeName, StatusError } from '../message/status';
import { brokerCommand } from './broker';
import { clientCommand } from './client';
import { clusterCommand } from './cluster';
import { configCommand } from './config';
import { delayCommand } from './delay';
import { ExitError } from './exit-error';
import { groupCommand } from './group';
import { dlqCommand } from './dlq';
import { messageCommand } from './message';
import { namesrvCommand } from './namesrv';
import { proxyCommand } from './proxy';
import { receiveCommand } from './receive';
import { sendCommand } from './send';
import { startCommand } from './start';
import { storeCommand } from './store';
import type { Terminal } from './terminal';
import { topicCommand } from './topic';
import { transactionCommand } from './transaction';
import { UsageError } from './usage-error';
import { version } from '../platform/version';
import { errorText } from '../platform/error-text';

/** It worked; it did not; the command line or the configuration is wrong. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/**
 * Runs a command to its end; a role's is when it has stopped.
 * @param args what stands behind the program's name
 * @returns the exit code; what went wrong is one line on standard error
 */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    await program(terminal).parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return failed(error, terminal);
  }
}

function program(terminal: Terminal): Command {
  const root = new Command('gantry')
    .description("A message broker that speaks Apache RocketMQ 5's gRPC API.")
    .version(version())
    .showHelpAfterError('(--help tells more)')
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
    })
    .exitOverride();
  const roles = [startCommand, namesrvCommand, brokerCommand, proxyCommand];
  const tools = [
    ...[topicCommand, groupCommand, sendCommand, receiveCommand, messageCommand, dlqCommand],
    ...[clientCommand, clusterCommand],
    ...[delayCommand, transactionCommand],
    ...[storeCommand, configCommand],
  ];
  root.commandsGroup('Roles:');
  for (const add of roles) add(root, terminal);
  root.commandsGroup('Tools:');
  for (const add of tools) add(root, terminal);
  return root;
}

function failed(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong, or shown the help that was asked for.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
  if (error instanceof ExitError) {
    if (error.message !== '') terminal.err(`${error.message}\n`);
    return error.code;
  }
  if (error instanceof ConfigError) {
    for (const fault of error.faults) terminal.err(`gantry: ${fault}\n`);
    return EXIT.usage;
  }
  if (error instanceof UsageError) {
    terminal.err(`gantry: ${error.message}\n`);
    return EXIT.usage;
  }
  if (error instanceof StatusError) {
    terminal.err(`${codeName(error.code)}: ${error.message}\n`);
    return EXIT.failed;
  }
  terminal.err(`gantry: ${errorText(error)}\n`);
  return EXIT.failed;
}
