/** Compiled filters, so that each expression is read once and not at each receive. */
import type { FilterExpression, RecordFilter } from './filter';
import { tagFilter } from './filter';
import { OldestFirst } from './oldest-first';
import { SqlFilter } from './sql/sql-filter';
import { Code, StatusError } from './status';

/** Longest tag expression, characters; beyond: ILLEGAL_FILTER_EXPRESSION. */
const MAX_TAG_EXPRESSION_CHARS = 16_384;
/** Expressions kept, and their characters in all. */
const MAX_FILTERS = 4096;
const MAX_CHARS = 512 * 1024;

export class FilterCache {
  /** By expression, the least recently used first. */
  private readonly filters = new OldestFirst<string, RecordFilter>();
  private chars = 0;

  /**
   * The filter of an expression; `undefined` when it lets everything through.
   * @throws StatusError ILLEGAL_FILTER_EXPRESSION
   */
  get({ type, expression }: FilterExpression): RecordFilter | undefined {
    if (type === 'TAG' && (expression === '*' || expression === '')) return undefined;
    const key = `${type} ${expression}`;
    const known = this.filters.get(key);
    if (known !== undefined) {
      this.filters.renew(key, known);
      return known;
    }
    const filter = type === 'SQL' ? new SqlFilter(expression) : checkedTagFilter(expression);
    if (filter !== undefined) this.keep(key, filter);
    return filter;
  }

  get size(): number {
    return this.filters.size;
  }

  private keep(key: string, filter: RecordFilter): void {
    this.filters.set(key, filter);
    this.chars += key.length;
    while (this.filters.size > MAX_FILTERS || this.chars > MAX_CHARS) {
      const oldest = this.filters.oldest ?? key;
      this.filters.delete(oldest);
      this.chars -= oldest.length;
    }
  }
}

function checkedTagFilter(expression: string): RecordFilter | undefined {
  if (expression.length > MAX_TAG_EXPRESSION_CHARS) {
    throw new StatusError(
      Code.ILLEGAL_FILTER_EXPRESSION,
      `the tag expression has ${expression.length} characters, the limit is ${MAX_TAG_EXPRESSION_CHARS}`,
    );
  }
  return tagFilter(expression);
}
