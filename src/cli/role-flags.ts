/** A role's options as flags of a command. */
import { Option as Flag, type Command } from 'commander';

import { flagOf, optionsOf, variableOf, type FormatName, type Option } from '../config/option';
import { writeValue } from '../config/formats';
import { schemas, type Role } from '../config/schema';
import type { Inputs } from '../config/load';

/** Adds `--config` and a flag for each of the role's options. */
export function addRoleFlags(command: Command, role: Role): void {
  command.option('--config <FILE>', 'options from a YAML file (env: GANTRY_CONFIG)');
  for (const [key, spec] of optionsOf(schemas[role])) {
    for (const flag of flagsOf(key, spec)) {
      command.addOption(spec.advanced === true ? flag.hideHelp() : flag);
    }
  }
  command.addHelpText(
    'after',
    '\nThere are more options, of few users; gantry config print shows all.',
  );
}

/** What the command line says of the role's options. */
export function roleInputs(
  command: Command,
  role: Role,
  env: Readonly<Record<string, string | undefined>>,
): Inputs {
  const given: Readonly<Record<string, unknown>> = command.opts();
  const flags = new Map<string, unknown>();
  for (const [key, spec] of optionsOf(schemas[role])) {
    const value = given[new Flag(flagOf(key, spec)).attributeName()];
    if (value !== undefined) flags.set(key, value);
  }
  const file = given['config'];
  return { env, flags, ...(typeof file === 'string' ? { file } : {}) };
}

/** A switch has two flags, of which the help shows the one that changes something. */
function flagsOf(key: string, spec: Option): readonly Flag[] {
  const flag = flagOf(key, spec);
  const fallback = writeValue(spec, spec.default);
  const notes = `(${fallback === '' ? '' : `default: ${fallback}; `}env: ${variableOf(key)})`;
  const doc = `${spec.doc} ${notes}`;
  if (spec.format === 'switch') {
    const off = flag.replace('--', '--no-');
    return [
      new Flag(flag, doc).hideHelp(spec.default === true),
      new Flag(off, `Switches off: ${doc}`).hideHelp(spec.default === false),
    ];
  }
  const argument = spec.argument ?? spec.choices?.join('|') ?? argumentNames[spec.format];
  const made = new Flag(`${flag} <${argument}>`, doc);
  if (LISTS.includes(spec.format)) {
    return [
      made.argParser((value: string, before: readonly string[] | undefined) => [
        ...(before ?? []),
        value,
      ]),
    ];
  }
  return [made];
}

/** Their flags may be given as often as wanted. */
const LISTS: readonly FormatName[] = ['topics', 'addresses', 'networks'];

const argumentNames: Readonly<Record<string, string>> = {
  text: 'TEXT',
  integer: 'NUMBER',
  duration: 'DURATION',
  size: 'SIZE',
  address: 'HOST:PORT',
};
