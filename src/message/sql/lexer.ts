/**
 * Splits an SQL expression into tokens:
 *
 *     word      letter, _ or $, then letters, digits, _ or $; a keyword in any case, else a property
 *     number    5  5L  1.5  .5  5.  1e3  1.5E-3         (64-bit integers; no hex)
 *     string    'text', '' for a quote in it
 *     symbol    = <> > >= < <= ( ) , + -
 *     between   blanks,  -- to the end of the line,  / * ... * /
 */
import type { Numeric } from './numbers';
import { SqlSyntaxError } from './syntax-error';

const KEYWORDS = [
  'AND',
  'OR',
  'NOT',
  'BETWEEN',
  'IN',
  'IS',
  'NULL',
  'TRUE',
  'FALSE',
  'CONTAINS',
  'STARTSWITH',
  'ENDSWITH',
] as const;
export type Keyword = (typeof KEYWORDS)[number];
export type SqlSymbol = '=' | '<>' | '>' | '>=' | '<' | '<=' | '(' | ')' | ',' | '+' | '-';

/** `at` is the index of the first character, from 0; `text` is the token as it is written. */
export type Token = { readonly at: number; readonly text: string } & (
  | { readonly kind: 'keyword'; readonly keyword: Keyword }
  | { readonly kind: 'property' }
  | { readonly kind: 'number'; readonly value: Numeric; readonly integer: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'symbol'; readonly symbol: SqlSymbol }
  | { readonly kind: 'end' }
);

const keywords: ReadonlyMap<string, Keyword> = new Map(KEYWORDS.map((word) => [word, word]));
const WORD = /[\p{L}_$][\p{L}\p{Nd}_$]*/uy;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const INTEGER = /^\d+$/;
const SYMBOL = /<>|>=|<=|[=><(),+-]/y;
const BLANKS = /\s+/y;

/** What other dialects have, and what to write instead. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['!', 'write <> for "not equal", NOT for "not"'],
  ['"', 'strings stand in single quotes, property names in none'],
  ['`', 'property names stand without quotes'],
  ['&', 'write AND'],
  ['|', 'write OR'],
  ['*', 'there is no arithmetic'],
  ['/', 'there is no arithmetic'],
  ['%', 'there is no arithmetic'],
  ['.', 'property names have no dots'],
]);

/** @throws SqlSyntaxError: a character that begins no token, a string or comment without an end */
export function tokensOf(expression: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = skipBlanks(expression, 0);
  while (at < expression.length) {
    const token = tokenAt(expression, at);
    tokens.push(token);
    at = skipBlanks(expression, at + token.text.length);
  }
  tokens.push({ kind: 'end', at: expression.length, text: '' });
  return tokens;
}

function tokenAt(expression: string, at: number): Token {
  const word = match(WORD, expression, at);
  if (word !== undefined) {
    const keyword = keywords.get(word.toUpperCase());
    return keyword === undefined
      ? { kind: 'property', at, text: word }
      : { kind: 'keyword', keyword, at, text: word };
  }
  if (expression[at] === "'") return stringAt(expression, at);
  const digits = match(NUMBER, expression, at);
  if (digits !== undefined) return numberAt(expression, at, digits);
  const symbol = match(SYMBOL, expression, at);
  if (symbol !== undefined)
    return { kind: 'symbol', symbol: symbol as SqlSymbol, at, text: symbol };
  const found = String.fromCodePoint(expression.codePointAt(at) ?? 0);
  const hint = HINTS.get(found);
  throw new SqlSyntaxError(
    expression,
    at + 1,
    `${JSON.stringify(found)} is no part of an expression${hint === undefined ? '' : `: ${hint}`}`,
  );
}

function stringAt(expression: string, at: number): Token {
  for (let end = expression.indexOf("'", at + 1); end >= 0;) {
    if (expression[end + 1] !== "'") {
      const text = expression.slice(at, end + 1);
      return { kind: 'string', value: text.slice(1, -1).replaceAll("''", "'"), at, text };
    }
    end = expression.indexOf("'", end + 2);
  }
  throw new SqlSyntaxError(expression, at + 1, "the string that begins here has no end (')");
}

function numberAt(expression: string, at: number, digits: string): Token {
  const integer = INTEGER.test(digits);
  const suffix = integer && /[lL]/.test(expression[at + digits.length] ?? '') ? 1 : 0;
  const text = expression.slice(at, at + digits.length + suffix);
  const follows = match(WORD, expression, at + text.length) ?? '';
  if (follows !== '' || expression[at + text.length] === '.') {
    const found = JSON.stringify(text + (follows || '.'));
    throw new SqlSyntaxError(expression, at + 1, `expected a decimal number, found ${found}`);
  }
  const value = integer && digits.length > 15 ? BigInt(digits) : Number(digits);
  return { kind: 'number', value, integer, at, text };
}

/** The index of the next token's first character. */
function skipBlanks(expression: string, from: number): number {
  let at = from;
  for (;;) {
    const blanks = match(BLANKS, expression, at);
    if (blanks !== undefined) {
      at += blanks.length;
    } else if (expression.startsWith('--', at)) {
      const end = expression.indexOf('\n', at);
      at = end < 0 ? expression.length : end + 1;
    } else if (expression.startsWith('/*', at)) {
      const end = expression.indexOf('*/', at + 2);
      if (end < 0) {
        throw new SqlSyntaxError(
          expression,
          at + 1,
          'the comment that begins here has no end (*/)',
        );
      }
      at = end + 2;
    } else {
      return at;
    }
  }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
