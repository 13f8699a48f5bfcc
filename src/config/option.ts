/** What one option is: plain data, from which the schema, the flags, the help and the docs are made. */
import type { TopicConfig } from '../api/topic';

/** The value that each format gives. */
export interface FormatValues {
  /** true or false. */
  readonly switch: boolean;
  /** Any text, '' included. */
  readonly text: string;
  /** A whole number. */
  readonly integer: number;
  /** Milliseconds; written `1500`, `'1500ms'`, `'10s'`, `'5m'` or `'12h'`. */
  readonly duration: number;
  /** Bytes; written `1048576`, `'1024KiB'`, `'1MiB'` or `'1GiB'`. */
  readonly size: number;
  /** One of a few words. */
  readonly choice: string;
  /** `host:port`, or '' for none. */
  readonly address: string;
  /** `host:port` each; written as a list, or as text with commas. */
  readonly addresses: readonly string[];
  /** IP addresses and networks; written as a list, or as text with commas. */
  readonly networks: readonly string[];
  /** Topics; written as a list of `NAME[:TYPE[:QUEUES]]`, or as text with commas. */
  readonly topics: readonly TopicConfig[];
}

export type FormatName = keyof FormatValues;

export interface Option<F extends FormatName = FormatName, T = FormatValues[F]> {
  readonly format: F;
  readonly default: T;
  /** What it does, in one or two sentences; ends with a full stop. */
  readonly doc: string;
  /** Smallest and largest value, for formats that are numbers. */
  readonly min?: number;
  readonly max?: number;
  /** The words of a `choice`. */
  readonly choices?: readonly string[];
  /** The command line's flag where it is not the key in kebab case. */
  readonly flag?: string;
  /** What the flag's argument is called in help. */
  readonly argument?: string;
  /** Nobody is shown its value. */
  readonly secret?: boolean;
  /** Few change it: help leaves it to docs/configuration.md. */
  readonly advanced?: boolean;
}

/** Options by name, in groups. */
export interface OptionTree {
  readonly [name: string]: Option | OptionTree;
}

/**
 * The values of a tree of options: the same names, durations with `Ms` and sizes with `Bytes` behind
 * them where the name does not end so already.
 */
export type ValuesOf<S> = {
  readonly [
    K in keyof S & string as S[K] extends { readonly format: 'duration' } ? `${K}Ms` : K
  ]: S[K] extends { readonly format: FormatName; readonly default: infer T } ? T : ValuesOf<S[K]>;
};

type Details = Partial<Omit<Option, 'format' | 'default' | 'doc'>>;

/** An option of the format's own type. */
export function option<F extends FormatName>(
  format: F,
  fallback: FormatValues[F],
  doc: string,
  details: Details = {},
): Option<F> {
  return { format, default: fallback, doc, ...details };
}

/** An option with one of a few words as its value. */
export function choice<const W extends string>(
  choices: readonly W[],
  fallback: W,
  doc: string,
  details: Details = {},
): Option<'choice', W> {
  return { format: 'choice', default: fallback, doc, choices, ...details };
}

export function isOption(node: Option | OptionTree): node is Option {
  return typeof node['format'] === 'string';
}

/** Every option of a tree with its key (`receive.minInvisible`), in the order written. */
export function optionsOf(tree: OptionTree, prefix = ''): readonly (readonly [string, Option])[] {
  return Object.entries(tree).flatMap(([name, node]) =>
    isOption(node) ? [[`${prefix}${name}`, node] as const] : optionsOf(node, `${prefix}${name}.`),
  );
}

const kebab = (key: string): string =>
  key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replaceAll('.', '-');

/** The command line's long flag: `--receive-min-invisible`. */
export function flagOf(key: string, spec: Option): string {
  return `--${spec.flag ?? kebab(key)}`;
}

/** The environment's variable: `GANTRY_RECEIVE_MIN_INVISIBLE`. */
export function variableOf(key: string): string {
  return `GANTRY_${kebab(key).replaceAll('-', '_').toUpperCase()}`;
}
