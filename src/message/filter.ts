/** Filters of subscriptions: by tag, or by an SQL expression over a message's properties. */
import { javaHashCode } from './java-hash';
import { Property } from './properties';
import { findProperty, propertyKey } from './record-property';

export interface FilterExpression {
  readonly type: 'TAG' | 'SQL';
  /** TAG: `*` or '' for everything, or tags joined by `||`. SQL: see `sql/parser.ts`. */
  readonly expression: string;
}

export const MATCH_ALL: FilterExpression = { type: 'TAG', expression: '*' };

/** Tells which messages a consumer wants. */
export interface RecordFilter {
  /**
   * Java hashes of the tags wanted, as ConsumeQueue entries hold them: an entry with another one does
   * not match. `undefined` when nothing can be said without the record.
   */
  readonly codes: ReadonlySet<number> | undefined;
  /** What one evaluation costs, measured in looks at a ConsumeQueue entry. */
  readonly cost: number;
  /**
   * Whether a stored record matches.
   * @param onFault told what could not be evaluated; that part of the expression counts as unknown
   */
  matches(record: Buffer, onFault: (fault: string) => void): boolean;
}

const TAGS_KEY = propertyKey(Property.TAGS);

class TagFilter implements RecordFilter {
  readonly codes: ReadonlySet<number>;
  readonly cost = 1;

  constructor(private readonly tags: ReadonlySet<string>) {
    this.codes = new Set([...tags].map(javaHashCode));
  }

  /** The tags themselves: different ones may have the same hash. */
  matches(record: Buffer): boolean {
    return this.tags.has(findProperty(record, TAGS_KEY) ?? '');
  }
}

/** A tag filter; `undefined` stands for everything. */
export function tagFilter(expression: string): RecordFilter | undefined {
  const text = expression.trim();
  if (text === '' || text === '*') return undefined;
  const tags = text
    .split('||')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return tags.length === 0 ? undefined : new TagFilter(new Set(tags));
}
