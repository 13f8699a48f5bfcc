/** `gantry store check|dump|repair`: looks at the directory of a broker that does not run. */
import { type Command, Option } from 'commander';

import { wholeNumber } from './admin-command';
import { addOutput, wantsJson } from './output';
import type * as StoreCommands from './store-commands';
import type { Terminal } from './terminal';
import { UsageError } from './usage-error';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

const load = (): typeof StoreCommands => require('./store-commands') as typeof StoreCommands;

interface DumpFlags {
  readonly topic?: string;
  readonly queue?: string;
  readonly offsets?: string;
  readonly bodies?: boolean;
}

export function storeCommand(program: Command, terminal: Terminal): void {
  const store = program
    .command('store')
    .description('Check, read and repair the directory of a broker that does not run.');
  addCheck(store, terminal);
  addDump(store, terminal);
  addRepair(store, terminal);
}

function addCheck(store: Command, terminal: Terminal): void {
  const command = store
    .command('check <DIR>')
    .description('Verify every record, queue entry and file; print what is wrong.')
    .addOption(
      new Option('--for <BROKER>', 'tell what another broker would do with it').choices(['apache']),
    )
    .addHelpText('after', '\nExit code 0: sound, 1: something is wrong, 2: cannot be checked.');
  addOutput(command);
  command.action((directory: string) =>
    load().checkCommand(
      directory,
      wantsJson(command),
      command.opts<{ readonly for?: string }>().for === 'apache',
      terminal,
    ),
  );
}

function addDump(store: Command, terminal: Terminal): void {
  const command = store
    .command('dump <DIR>')
    .description('Print the records, in the order of the log; json: one a line.')
    .option('--topic <TOPIC>', 'only those of this topic')
    .option('--queue <N>', 'only those of this queue')
    .option('--offsets <FROM..TO>', 'only those with these queue offsets; either may be left out')
    .option('--bodies', 'json: with bodies, in base64');
  addOutput(command);
  command.action((directory: string) => {
    const { topic, queue, offsets = '..', bodies = false } = command.opts<DumpFlags>();
    const filter = {
      ...(topic === undefined ? {} : { topic }),
      ...(queue === undefined ? {} : { queueId: wholeNumber('--queue', queue, 0, 0x7fffffff) }),
      ...offsetRange(offsets),
    };
    return load().dumpCommand(directory, filter, wantsJson(command), bodies, terminal);
  });
}

function addRepair(store: Command, terminal: Terminal): void {
  const command = store
    .command('repair <DIR> <NEWDIR>')
    .description('Write all that is whole into a new directory; the old one stays as it is.');
  addOutput(command);
  command.action((directory: string, target: string) =>
    load().repairCommand(directory, target, wantsJson(command), terminal),
  );
}

/** `FROM..TO`, both included. */
function offsetRange(text: string): { readonly offsetFrom: number; readonly offsetTo: number } {
  const match = /^(\d*)\.\.(\d*)$/.exec(text);
  if (match === null) throw new UsageError(`--offsets must be FROM..TO, got ${text}`);
  const [, from = '', to = ''] = match;
  return {
    offsetFrom: from === '' ? 0 : Number(from),
    offsetTo: to === '' ? Infinity : Number(to) + 1,
  };
}
