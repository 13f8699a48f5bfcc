import type { Command } from 'commander';

import type { Terminal } from './terminal';

/** What a command was told: by its flag, else by a variable that is not empty. */
export function givenBy(
  command: Command,
  { env }: Terminal,
  flag: string,
  variable: string,
): { readonly by: string; readonly text: string | undefined } {
  const option = command.options.find(({ long }) => long === flag);
  const text: unknown = option && command.getOptionValue(option.attributeName());
  if (typeof text === 'string') return { by: flag, text };
  return { by: variable, text: env[variable] === '' ? undefined : env[variable] };
}
