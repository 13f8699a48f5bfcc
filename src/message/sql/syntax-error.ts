import { Code, StatusError } from '../status';

/** Characters of the expression shown on either side of the fault. */
const EXCERPT_CHARS = 24;

/** An SQL expression that cannot be read: where, what could stand there, and what does. */
export class SqlSyntaxError extends StatusError {
  /**
   * @param position index of the faulty token's first character in the expression, from 1
   * @param problem what is wrong, with what was expected and what was found
   */
  constructor(
    expression: string,
    readonly position: number,
    readonly problem: string,
  ) {
    const place = `position ${position}${lineOf(expression, position)}`;
    const text = `SQL filter, ${place}: ${problem}; near: ${excerpt(expression, position - 1)}`;
    super(Code.ILLEGAL_FILTER_EXPRESSION, text);
    this.name = 'SqlSyntaxError';
  }
}

/** Line and column, for expressions of several lines. */
function lineOf(expression: string, position: number): string {
  const before = expression.slice(0, position - 1).split('\n');
  if (before.length === 1) return '';
  return ` (line ${before.length}, column ${(before.at(-1) ?? '').length + 1})`;
}

/** The text around the fault, a mark before it. */
function excerpt(expression: string, at: number): string {
  const from = Math.max(0, at - EXCERPT_CHARS);
  const to = Math.min(expression.length, at + EXCERPT_CHARS);
  const before = (from > 0 ? '...' : '') + expression.slice(from, at);
  const after = expression.slice(at, to) + (to < expression.length ? '...' : '');
  return `${before}>>>${after}`.replace(/[\u0000-\u001f\u007f]/g, ' ');
}
