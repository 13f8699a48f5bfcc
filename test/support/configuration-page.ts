/** The part of docs/configuration.md that follows from the schemas. */
import { flagOf, type Option, optionsOf, variableOf } from '../../src/config/option';
import { type Role, ROLES, schemas } from '../../src/config/schema';
import { writeValue } from '../../src/config/formats';

export const GENERATED_FROM =
  '<!-- From the schemas: UPDATE_DOCS=1 npx jest configuration-page -->';

const code = (text: string): string => `\`${text}\``;

/** Every key once, in the order of the schemas. */
export function configurationReference(): string {
  const uses = new Map<string, { role: Role; spec: Option }[]>();
  for (const role of ROLES) {
    for (const [key, spec] of optionsOf(schemas[role])) {
      uses.set(key, [...(uses.get(key) ?? []), { role, spec }]);
    }
  }
  return [...uses].map(([key, all]) => section(key, all)).join('\n');
}

function section(key: string, uses: readonly { role: Role; spec: Option }[]): string {
  const spec = uses[0]?.spec;
  if (spec === undefined) throw new Error(`${key} is no role's`);
  const flag = flagOf(key, spec);
  const off = spec.format === 'switch' ? `, ${code(flag.replace('--', '--no-'))}` : '';
  return [
    `### ${code(key)}\n`,
    `${spec.doc}\n`,
    `- Values: ${valuesText(spec)}`,
    `- Default: ${defaultText(uses)}`,
    `- Flag: ${code(flag)}${off}; variable: ${code(variableOf(key))}`,
    `- Roles: ${uses.map(({ role }) => role).join(', ')}\n`,
  ].join('\n');
}

function defaultText(uses: readonly { role: Role; spec: Option }[]): string {
  const texts = uses.map(({ role, spec }) => ({ role, text: writeValue(spec, spec.default) }));
  const shown = (text: string): string => (text === '' ? 'none' : code(text));
  if (new Set(texts.map(({ text }) => text)).size === 1) return shown(texts[0]?.text ?? '');
  return texts.map(({ role, text }) => `${shown(text)} (${role})`).join(', ');
}

function valuesText(spec: Option): string {
  const range = (): string => `${limit(spec, spec.min)} to ${limit(spec, spec.max)}`;
  switch (spec.format) {
    case 'switch':
      return '`true` or `false`';
    case 'text':
      return 'text';
    case 'integer':
      return range();
    case 'duration':
      return `${range()}; milliseconds, or with the unit \`ms\`, \`s\`, \`m\` or \`h\``;
    case 'size':
      return `${range()}; bytes, or with the unit \`KiB\`, \`MiB\` or \`GiB\``;
    case 'choice':
      return (spec.choices ?? []).map(code).join(', ');
    case 'address':
      return '`HOST:PORT`, or empty';
    case 'addresses':
      return 'a list of `HOST:PORT`, or text with commas';
    case 'networks':
      return 'a list of `ADDRESS` or `ADDRESS/BITS`, or text with commas';
    case 'topics':
      return 'a list of `NAME[:TYPE[:QUEUES]]`, or text with commas; the flag as often as wanted';
  }
}

function limit(spec: Option, value: number | undefined): string {
  if (value === undefined) throw new Error('a number without a limit');
  return code(writeValue(spec, value));
}
