/** `-o json`: for programs; without it, for people. */
import { Option as Flag, type Command } from 'commander';

export function addOutput(command: Command): void {
  command.addOption(
    new Flag('-o, --output <FORMAT>', 'table for people, json for programs')
      .choices(['table', 'json'])
      .default('table'),
  );
}

export function wantsJson(command: Command): boolean {
  return command.opts<{ readonly output: string }>().output === 'json';
}
