/** `gantry config print`: each option's value and where it came from. */
import type { Command } from 'commander';

import { ConfigError } from '../config/config-error';
import type { Entry, Inputs } from '../config/load';
import { flagOf, optionsOf, variableOf } from '../config/option';
import { ROLES, schemas, type Role } from '../config/schema';
import { addOutput, wantsJson } from './output';
import { addRoleFlags, roleInputs } from './role-flags';
import type { Terminal } from './terminal';
import { json, table } from './text';
import type * as Load from '../config/load';
import { UsageError } from './usage-error';

/* eslint-disable @typescript-eslint/no-require-imports -- a command loads what it needs when it runs, so that all others are quick */

export function configCommand(program: Command, terminal: Terminal): void {
  const config = program.command('config').description('Look at options.');
  const print = config
    .command('print')
    .description('Show the value of each option of a role, and where it came from.')
    .usage('[ROLE] [options]')
    .addHelpText('after', '\nROLE is start when it is not given; flags are those of the role.');
  for (const role of ROLES) {
    const command = print
      .command(role, role === 'start' ? { isDefault: true } : {})
      .description(`Options of gantry ${role}.`);
    addRoleFlags(command, role);
    addOutput(command);
    // A word that is no role comes to the default one.
    command.allowExcessArguments().action(() => {
      const [word] = command.args;
      if (word !== undefined) {
        throw new UsageError(`ROLE must be one of ${ROLES.join(', ')}, got ${word}`);
      }
      printConfig(command, role, terminal);
    });
  }
}

function printConfig(command: Command, role: Role, terminal: Terminal): void {
  const { readConfig } = require('../config/load') as typeof Load;
  const inputs = roleInputs(command, role, terminal.env);
  const { entries: known, faults } = readConfig(role, inputs);
  const entries = known.map(withoutSecret(role));
  terminal.out(wantsJson(command) ? asJson(role, entries) : asTable(role, entries, inputs));
  if (faults.length > 0) throw new ConfigError(faults);
}

const HIDDEN = '***';

function withoutSecret(role: Role): (entry: Entry) => Entry {
  const specs = new Map(optionsOf(schemas[role]));
  return (entry) =>
    specs.get(entry.key)?.secret === true && entry.text !== ''
      ? { ...entry, value: HIDDEN, text: HIDDEN }
      : entry;
}

function asJson(role: Role, entries: readonly Entry[]): string {
  const options = entries.map(({ key, value, source }) => [key, { value, source }]);
  return json({ role, options: Object.fromEntries(options) as unknown });
}

function asTable(role: Role, entries: readonly Entry[], inputs: Inputs): string {
  const specs = new Map(optionsOf(schemas[role]));
  const origin = ({ key, source }: Entry): string => {
    const spec = specs.get(key);
    switch (source) {
      case 'default':
        return 'default';
      case 'file':
        return `file ${inputs.file ?? inputs.env['GANTRY_CONFIG'] ?? ''}`;
      case 'env':
        return `env ${variableOf(key)}`;
      case 'flag':
        return `flag ${spec === undefined ? key : flagOf(key, spec)}`;
    }
  };
  return table(
    ['OPTION', 'VALUE', 'FROM'],
    entries.map((entry) => [entry.key, entry.text, origin(entry)]),
  );
}
