/** How each format is read from text or YAML, checked and written. */
import { DEFAULT_QUEUES, MAX_QUEUES, TOPIC_TYPES } from '../api/topic';
import type { TopicConfig, TopicType } from '../api/topic';
import { checkTopicName } from '../message/names';
import { networksOf } from '../platform/networks';
import { parseAddress } from './address';
import type { FormatName, FormatValues, Option } from './option';

interface Format<T> {
  /** The value of what a file, a variable or a flag says. Throws an Error that says what is expected. */
  readonly parse: (raw: unknown, spec: Option) => T;
  /** The value as it would be written. */
  readonly write: (value: T) => string;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const UNITS_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

const formats: { readonly [F in FormatName]: Format<FormatValues[F]> } = {
  switch: {
    parse: (raw) => {
      if (raw === true || raw === 'true') return true;
      if (raw === false || raw === 'false') return false;
      throw new Error('must be true or false');
    },
    write: String,
  },
  text: {
    parse: (raw) => {
      if (typeof raw === 'number') return String(raw);
      if (typeof raw === 'string') return raw;
      throw new Error('must be text');
    },
    write: (value) => value,
  },
  integer: {
    parse: (raw, spec) => ranged(wholeNumber(raw), spec, 'a whole number', String),
    write: String,
  },
  duration: {
    parse: (raw, spec) =>
      ranged(
        scaled(raw, UNITS_MS),
        spec,
        'a duration in milliseconds or with the unit ms, s, m or h',
        writeDuration,
      ),
    write: writeDuration,
  },
  size: {
    parse: (raw, spec) =>
      ranged(
        scaled(raw, UNITS_BYTES),
        spec,
        'a size in bytes or with the unit KiB, MiB or GiB',
        writeSize,
      ),
    write: writeSize,
  },
  choice: {
    parse: (raw, spec) => {
      const words = spec.choices ?? [];
      if (typeof raw === 'string' && words.includes(raw)) return raw;
      throw new Error(`must be one of ${words.join(', ')}`);
    },
    write: (value) => value,
  },
  address: {
    parse: (raw) => (raw === '' ? '' : address(raw)),
    write: (value) => value,
  },
  addresses: { parse: (raw) => items(raw).map(address), write: (value) => value.join(',') },
  networks: { parse: (raw) => items(raw).map(network), write: (value) => value.join(',') },
  topics: {
    parse: (raw) => items(raw).map(parseTopic),
    write: (value) => value.map((it) => `${it.name}:${it.type}:${it.queues}`).join(','),
  },
};

/** @throws Error that says what the option expects */
export function parseValue(spec: Option, raw: unknown): FormatValues[FormatName] {
  return formats[spec.format].parse(raw, spec);
}

/** An option's value as one would write it in a file, a variable or a flag. */
export function writeValue(spec: Option, value: unknown): string {
  const write: (value: never) => string = formats[spec.format].write;
  return write(value as never);
}

/**
 * Reads `NAME[:TYPE[:QUEUES]]`: the type in any case, NORMAL when absent, and 8 queues.
 * @throws Error when the name is illegal, the type unknown or the count not in 1 .. 1024
 */
export function parseTopic(raw: unknown): TopicConfig {
  const form = 'must be NAME[:TYPE[:QUEUES]]';
  if (typeof raw !== 'string') throw new Error(form);
  const [name = '', type = 'NORMAL', queues = String(DEFAULT_QUEUES), ...rest] = raw.split(':');
  if (rest.length > 0) throw new Error(form);
  try {
    checkTopicName(name);
    return { name, type: parseTopicType(type), queues: parseQueues(queues) };
  } catch (error) {
    throw new Error(`${form}: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws Error naming the types there are */
export function parseTopicType(text: string): TopicType {
  const type = TOPIC_TYPES.find((known) => known === text.toUpperCase());
  if (type === undefined) {
    throw new Error(`the type must be one of ${TOPIC_TYPES.join(', ')}, not ${text}`);
  }
  return type;
}

/** @throws Error when the count is not in 1 .. 1024 */
export function parseQueues(text: string): number {
  const count = wholeNumber(text);
  if (count === undefined || count < 1 || count > MAX_QUEUES) {
    throw new Error(`the queues must be from 1 to ${MAX_QUEUES}, not ${text}`);
  }
  return count;
}

function address(raw: unknown): string {
  const parsed = typeof raw === 'string' ? parseAddress(raw) : undefined;
  if (parsed === undefined) throw new Error('must be HOST:PORT with a port from 1 to 65535');
  return String(raw).trim();
}

function network(raw: unknown): string {
  const text = String(raw).trim();
  try {
    networksOf([text]);
    return text;
  } catch {
    throw new Error('must be IP addresses, or networks such as 10.0.0.0/8');
  }
}

function items(raw: unknown): readonly unknown[] {
  if (Array.isArray(raw)) return raw.flatMap(items);
  if (typeof raw !== 'string') throw new Error('must be a list, or text with commas');
  return raw
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function wholeNumber(raw: unknown): number | undefined {
  if (typeof raw === 'number') return Number.isSafeInteger(raw) ? raw : undefined;
  return typeof raw === 'string' && /^-?\d{1,15}$/.test(raw) ? Number(raw) : undefined;
}

function scaled(raw: unknown, units: Readonly<Record<string, number>>): number | undefined {
  const plain = wholeNumber(raw);
  if (plain !== undefined || typeof raw !== 'string') return plain;
  const [, digits, unit = ''] = /^(\d{1,15}) ?([a-z]{1,3})$/i.exec(raw) ?? [];
  const factor = units[unit.toLowerCase()];
  if (digits === undefined || factor === undefined) return undefined;
  return wholeNumber(Number(digits) * factor);
}

function ranged(
  value: number | undefined,
  { min = -Infinity, max = Infinity }: Option,
  what: string,
  write: (value: number) => string,
): number {
  if (value !== undefined && value >= min && value <= max) return value;
  throw new Error(`must be ${what} from ${write(min)} to ${write(max)}`);
}

function writeDuration(ms: number): string {
  for (const unit of ['h', 'm', 's'] as const) {
    const factor = UNITS_MS[unit] ?? 1;
    if (ms !== 0 && ms % factor === 0) return `${ms / factor}${unit}`;
  }
  return `${ms}ms`;
}

function writeSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    const factor = UNITS_BYTES[unit.toLowerCase()] ?? 1;
    if (bytes !== 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}
