/** Walks over an expression's tokens, and says what is wrong where. */
import { type Keyword, type SqlSymbol, type Token, tokensOf } from './lexer';
import { SqlSyntaxError } from './syntax-error';

/** Deepest nesting of parentheses and operators; beyond: ILLEGAL_FILTER_EXPRESSION. */
export const MAX_SQL_DEPTH = 128;

export class TokenCursor {
  protected next = 0;
  private readonly tokens: readonly Token[];
  private depth = 0;
  private chains = 0;

  constructor(private readonly expression: string) {
    this.tokens = tokensOf(expression);
  }

  protected nested<T>(work: () => T): T {
    this.deeper(this.token);
    const node = work();
    this.depth--;
    return node;
  }

  private deeper(at: Token): void {
    this.depth++;
    if (this.depth > MAX_SQL_DEPTH) throw this.tooDeep(at);
  }

  /** `a = b = c`: each further operator makes the tree one deeper. */
  protected chained(at: Token): void {
    this.chains++;
    if (this.chains > MAX_SQL_DEPTH) throw this.tooDeep(at);
  }

  private tooDeep(at: Token): SqlSyntaxError {
    return this.fault(at, `the expression is nested more than ${MAX_SQL_DEPTH} deep, the limit`);
  }

  protected get token(): Token {
    const token = this.tokens[this.next] ?? this.tokens.at(-1);
    if (token === undefined) throw new RangeError('no token: the lexer always gives an end');
    return token;
  }

  protected isKeyword(keyword: Keyword): boolean {
    const { token } = this;
    return token.kind === 'keyword' && token.keyword === keyword;
  }

  protected takeKeyword(keyword: Keyword): boolean {
    if (!this.isKeyword(keyword)) return false;
    this.next++;
    return true;
  }

  protected takeSymbol(symbol: SqlSymbol): boolean {
    const { token } = this;
    if (token.kind !== 'symbol' || token.symbol !== symbol) return false;
    this.next++;
    return true;
  }

  protected unexpected(expected: string): SqlSyntaxError {
    return this.unexpectedAt(this.token, expected);
  }

  protected unexpectedAt(token: Token, expected: string): SqlSyntaxError {
    const found = token.kind === 'end' ? 'the end' : JSON.stringify(token.text);
    return this.fault(token, `expected ${expected}, found ${found}${hintFor(token)}`);
  }

  protected fault(token: Token, problem: string): SqlSyntaxError {
    return new SqlSyntaxError(this.expression, token.at + 1, problem);
  }
}

/** What this dialect has instead of what others would allow here. */
function hintFor(token: Token): string {
  if (token.kind === 'property' && token.text.toUpperCase() === 'LIKE') {
    return ' (there is no LIKE: use CONTAINS, STARTSWITH or ENDSWITH)';
  }
  if (token.kind === 'symbol' && (token.symbol === '+' || token.symbol === '-')) {
    return ' (there is no arithmetic)';
  }
  return '';
}
