/**
 * Where values come from, before they are merged: a file, the environment, the command line. A layer
 * holds values by key, read and checked; what is wrong with it is gathered and thrown at once.
 */
import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';

import { ConfigError } from './config-error';
import { parseValue } from './formats';
import { nearest } from './nearest';
import { flagOf, optionsOf, variableOf } from './option';
import type { Option } from './option';
import { ROLES, schemas } from './schema';
import type { Role } from './schema';

export type Source = 'default' | 'file' | 'env' | 'flag';

export interface Layer {
  readonly source: Source;
  readonly values: ReadonlyMap<string, unknown>;
}

/** The variable that names the file, for those who cannot give `--config`. */
export const CONFIG_VARIABLE = 'GANTRY_CONFIG';
/** Variables of commands, no role's. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set([
  CONFIG_VARIABLE,
  'GANTRY_ENDPOINT',
  'GANTRY_ENDPOINT_CA',
  'GANTRY_ENDPOINT_CERTIFICATE',
  'GANTRY_ENDPOINT_KEY',
]);
/** What Kubernetes and Docker set for a service that is called gantry, or gantry-something. */
const SERVICE_LINK = /^GANTRY_(.+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/;
const SERVICE_URL = /^(tcp|udp|sctp):\/\//;

/** @throws ConfigError when the file cannot be read, has unknown keys or bad values */
export function fileLayer(role: Role, path: string): Layer {
  const raw = new Map<string, unknown>();
  const faults: string[] = [];
  flatten(
    readYaml(path),
    '',
    (key, value) => {
      if (raw.has(key)) faults.push(`${path}: ${key} is given twice`);
      raw.set(key, value);
    },
    new Set(optionsOf(schemas[role]).map(([key]) => key)),
  );
  return layer(role, 'file', raw, (key) => `${path}: ${key}`, faults);
}

/**
 * Variables that start with GANTRY_ and are not empty; those of other roles' options are not looked at, so that
 * several roles can share an environment.
 * @throws ConfigError for unknown variables and bad values
 */
export function envLayer(role: Role, env: Readonly<Record<string, string | undefined>>): Layer {
  const keys = new Map(optionsOf(schemas[role]).map(([key]) => [variableOf(key), key]));
  const everyRoles = new Set(
    ROLES.flatMap((any) => optionsOf(schemas[any])).map(([key]) => variableOf(key)),
  );
  const raw = new Map<string, unknown>();
  const faults: string[] = [];
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('GANTRY_') || value === undefined || value === '') continue;
    if (OTHER_VARIABLES.has(variable) || SERVICE_LINK.test(variable) || SERVICE_URL.test(value)) {
      continue;
    }
    const key = keys.get(variable);
    if (key !== undefined) raw.set(key, value);
    else if (!everyRoles.has(variable)) faults.push(unknown(variable, variable, [...keys.keys()]));
  }
  return layer(role, 'env', raw, variableOf, faults);
}

/** @throws ConfigError for bad values */
export function flagLayer(role: Role, flags: ReadonlyMap<string, unknown>): Layer {
  const specs = new Map(optionsOf(schemas[role]));
  const name = (key: string): string => {
    const spec = specs.get(key);
    return spec === undefined ? key : flagOf(key, spec);
  };
  return layer(role, 'flag', flags, name, []);
}

function layer(
  role: Role,
  source: Source,
  raw: ReadonlyMap<string, unknown>,
  nameOf: (key: string) => string,
  faults: string[],
): Layer {
  const specs = new Map(optionsOf(schemas[role]));
  const values = new Map<string, unknown>();
  for (const [key, value] of raw) {
    const spec = specs.get(key);
    if (spec === undefined) faults.push(unknown(nameOf(key), key, [...specs.keys()]));
    else read(spec, value, nameOf(key), faults, (parsed) => values.set(key, parsed));
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return { source, values };
}

function read(
  spec: Option,
  raw: unknown,
  name: string,
  faults: string[],
  take: (value: unknown) => void,
): void {
  try {
    take(parseValue(spec, raw));
  } catch (error) {
    const expected = error instanceof Error ? error.message : String(error);
    faults.push(`${name} ${expected}, got ${JSON.stringify(raw)}`);
  }
}

function unknown(name: string, key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return `${name} is not an option${near === undefined ? '' : `; did you mean ${near}?`}`;
}

function readYaml(path: string): unknown {
  try {
    return parseYaml(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim() : String(error);
    throw new ConfigError([`${path} cannot be read: ${reason}`]);
  }
}

/** Calls `take` for each value with its dotted key. What stands at a known key is a value, whatever it is. */
function flatten(
  node: unknown,
  prefix: string,
  take: (key: string, value: unknown) => void,
  known: ReadonlySet<string>,
): void {
  if (node === null || node === undefined) return;
  if (known.has(prefix) || typeof node !== 'object' || Array.isArray(node)) {
    take(prefix, node);
    return;
  }
  for (const [name, value] of Object.entries(node)) {
    flatten(value, prefix === '' ? name : `${prefix}.${name}`, take, known);
  }
}
