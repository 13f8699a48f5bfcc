/** Tag filters of subscriptions. */
import { javaHashCode } from './java-hash';

export interface FilterExpression {
  readonly type: 'TAG' | 'SQL';
  /** TAG: `*` or '' for everything, or tags joined by `||`. */
  readonly expression: string;
}

export const MATCH_ALL: FilterExpression = { type: 'TAG', expression: '*' };

/** A parsed tag expression. `undefined` stands for everything. */
export interface TagFilter {
  readonly tags: ReadonlySet<string>;
  /** Java hashes of the tags, as ConsumeQueue entries hold them. */
  readonly codes: ReadonlySet<number>;
}

export function parseTagExpression(expression: string): TagFilter | undefined {
  const text = expression.trim();
  if (text === '' || text === '*') return undefined;
  const tags = text
    .split('||')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (tags.length === 0) return undefined;
  return { tags: new Set(tags), codes: new Set(tags.map(javaHashCode)) };
}
