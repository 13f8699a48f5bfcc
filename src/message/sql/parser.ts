/**
 * SQL92 filter expressions, from loose to tight (each level's operands are of the next one):
 *
 *     or          and { OR and }
 *     and         not { AND not }
 *     not         NOT not | equality
 *     equality    comparison { (= | <>) comparison | IS [NOT] NULL }
 *     comparison  sign [ (> | >= | < | <=) sign | [NOT] BETWEEN sign AND sign
 *                      | [NOT] IN ( literal {, literal} ) | [NOT] (CONTAINS | STARTSWITH | ENDSWITH) string ]
 *     sign        (+ | -) sign | NOT sign | primary
 *     primary     property | number | string | TRUE | FALSE | NULL | ( or )
 *
 * A superset of what Apache RocketMQ accepts: NOT binds looser than a comparison, as in SQL; 0.0,
 * numbers in IN and a property on the right of a constant are allowed.
 */
import type { SqlSymbol, Token } from './lexer';
import type { Numeric } from './numbers';
import { SqlSyntaxError } from './syntax-error';
import {
  type Comparison,
  describe,
  kindOf,
  type NumberNode,
  type PropertyNode,
  type SqlNode,
  type TextTest,
} from './syntax';
import { TokenCursor } from './token-cursor';

/** Longest expression, characters; beyond: ILLEGAL_FILTER_EXPRESSION. */
export const MAX_SQL_CHARS = 16_384;

const MAX_LONG = 2n ** 63n - 1n;
const OPERAND = 'a property, a number, a string, TRUE, FALSE, NULL, NOT or "("';
const OPERATOR = 'an operator or the end';

/** @throws SqlSyntaxError (ILLEGAL_FILTER_EXPRESSION) */
export function parseSql(expression: string): SqlNode {
  if (expression.trim() === '') {
    throw new SqlSyntaxError(expression, 1, 'the expression is empty');
  }
  if (expression.length > MAX_SQL_CHARS) {
    const problem = `the expression has ${expression.length} characters, the limit is ${MAX_SQL_CHARS}`;
    throw new SqlSyntaxError(expression, MAX_SQL_CHARS + 1, problem);
  }
  return new Parser(expression).parse();
}

class Parser extends TokenCursor {
  parse(): SqlNode {
    const node = this.or();
    if (this.token.kind !== 'end') throw this.unexpected(OPERATOR);
    return node;
  }

  private or(): SqlNode {
    const first = this.and();
    if (!this.isKeyword('OR')) return first;
    const operands = [first];
    while (this.takeKeyword('OR')) operands.push(this.and());
    return { kind: 'or', operands };
  }

  private and(): SqlNode {
    const first = this.not();
    if (!this.isKeyword('AND')) return first;
    const operands = [first];
    while (this.takeKeyword('AND')) operands.push(this.not());
    return { kind: 'and', operands };
  }

  private not(): SqlNode {
    if (!this.takeKeyword('NOT')) return this.equality();
    return this.nested(() => ({ kind: 'not', operand: this.not() }));
  }

  private equality(): SqlNode {
    let left = this.comparison();
    for (let operators = 0; ; operators++) {
      const at = this.token;
      if (this.takeSymbol('=') || this.takeSymbol('<>')) {
        const rightAt = this.token;
        const right = this.comparison();
        this.checkEqual(left, at, right, rightAt);
        left = { kind: 'equal', left, right, negated: at.text === '<>' };
      } else if (this.takeKeyword('IS')) {
        const negated = this.takeKeyword('NOT');
        if (!this.takeKeyword('NULL')) throw this.unexpected(negated ? 'NULL' : 'NULL or NOT NULL');
        left = { kind: 'null', operand: left, negated };
      } else {
        return left;
      }
      if (operators > 0) this.chained(at);
    }
  }

  private comparison(): SqlNode {
    const at = this.token;
    const left = this.sign();
    return this.comparisonWith(left, at) ?? left;
  }

  /** What an operator makes of `left`; `undefined` when none of this level follows. */
  private comparisonWith(left: SqlNode, leftAt: Token): SqlNode | undefined {
    const operator = this.token;
    if (operator.kind === 'symbol' && isComparison(operator.symbol)) {
      this.next++;
      const rightAt = this.token;
      const right = this.sign();
      return {
        kind: 'compare',
        comparison: operator.symbol,
        left: this.numeric(left, leftAt, operator.text),
        right: this.numeric(right, rightAt, operator.text),
      };
    }
    if (operator.kind !== 'keyword') return undefined;
    const negated = this.takeKeyword('NOT');
    if (this.takeKeyword('BETWEEN')) return this.between(left, leftAt, negated);
    if (this.takeKeyword('IN')) return this.in(left, leftAt, negated);
    for (const test of ['CONTAINS', 'STARTSWITH', 'ENDSWITH'] as const) {
      if (this.takeKeyword(test)) return this.text(left, leftAt, test, negated);
    }
    if (negated) throw this.unexpected('BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH after NOT');
    return undefined;
  }

  private between(left: SqlNode, leftAt: Token, negated: boolean): SqlNode {
    const value = this.numeric(left, leftAt, 'BETWEEN');
    const lowAt = this.token;
    const low = this.numeric(this.sign(), lowAt, 'BETWEEN');
    if (!this.takeKeyword('AND')) throw this.unexpected('AND between the bounds of BETWEEN');
    const highAt = this.token;
    const high = this.numeric(this.sign(), highAt, 'BETWEEN');
    const [least, most] = [constantOf(low), constantOf(high)];
    if (least !== undefined && most !== undefined && least > most) {
      throw this.fault(
        lowAt,
        `the lower bound of BETWEEN, ${least}, is above the upper one, ${most}`,
      );
    }
    return { kind: 'between', value, low, high, negated };
  }

  private in(left: SqlNode, leftAt: Token, negated: boolean): SqlNode {
    const property = this.property(left, leftAt, 'IN');
    if (!this.takeSymbol('(')) throw this.unexpected('"(" after IN');
    const texts: string[] = [];
    const numbers: Numeric[] = [];
    do {
      const at = this.token;
      if (at.kind === 'string') {
        this.next++;
        texts.push(at.value);
        continue;
      }
      const signed = at.kind === 'symbol' && (at.symbol === '-' || at.symbol === '+');
      const value = signed || at.kind === 'number' ? constantOf(this.sign()) : undefined;
      if (value === undefined)
        throw this.unexpectedAt(at, 'a string or a number in the list of IN');
      numbers.push(value);
    } while (this.takeSymbol(','));
    if (!this.takeSymbol(')')) throw this.unexpected('"," or ")" in the list of IN');
    return { kind: 'in', property, texts, numbers, negated };
  }

  private text(left: SqlNode, leftAt: Token, test: TextTest, negated: boolean): SqlNode {
    const property = this.property(left, leftAt, test);
    const at = this.token;
    if (at.kind !== 'string') throw this.unexpected(`a string after ${test}`);
    this.next++;
    return { kind: 'text', test, property, text: at.value, negated };
  }

  private sign(): SqlNode {
    const at = this.token;
    if (this.takeKeyword('NOT')) {
      return this.nested(() => ({ kind: 'not', operand: this.sign() }));
    }
    const minus = this.takeSymbol('-');
    if (!minus && !this.takeSymbol('+')) return this.primary(false);
    return this.nested(() => {
      const operandAt = this.token;
      const inner = operandAt.kind === 'number' ? this.primary(minus) : this.sign();
      const operand = this.numeric(inner, operandAt, at.text);
      if (operand.kind === 'number') {
        return { kind: 'number', value: minus ? -operand.value : operand.value };
      }
      if (minus) return { kind: 'minus', operand };
      return operand.kind === 'property' ? { kind: 'plus', operand } : operand;
    });
  }

  /** @param negative whether a minus stands before it: then one more integer fits 64 bits */
  private primary(negative: boolean): SqlNode {
    const at = this.token;
    this.next++;
    switch (at.kind) {
      case 'property':
        return { kind: 'property', name: at.text };
      case 'string':
        return { kind: 'string', value: at.value };
      case 'number':
        if (at.integer && at.value > MAX_LONG + (negative ? 1n : 0n)) {
          throw this.fault(at, `the integer ${at.text} does not fit 64 bits`);
        }
        return { kind: 'number', value: at.value };
      case 'keyword':
        if (at.keyword === 'TRUE') return { kind: 'constant', value: true };
        if (at.keyword === 'FALSE') return { kind: 'constant', value: false };
        if (at.keyword === 'NULL') return { kind: 'constant', value: undefined };
        break;
      case 'symbol':
        if (at.symbol === '(') return this.nested(() => this.parenthesis());
        break;
      case 'end':
        break;
    }
    this.next--;
    throw this.unexpected(OPERAND);
  }

  private parenthesis(): SqlNode {
    const node = this.or();
    if (!this.takeSymbol(')')) throw this.unexpected('an operator or ")"');
    return node;
  }

  /** @throws SqlSyntaxError when a node is no number and no property */
  private numeric(node: SqlNode, at: Token, operator: string): NumberNode | PropertyNode {
    if (
      node.kind === 'property' ||
      node.kind === 'number' ||
      node.kind === 'minus' ||
      node.kind === 'plus'
    ) {
      return node;
    }
    throw this.fault(at, `${operator} takes numbers and properties, found ${describe(node)}`);
  }

  private property(node: SqlNode, at: Token, operator: string): PropertyNode {
    if (node.kind === 'property') return node;
    throw this.fault(at, `${operator} takes a property on its left, found ${describe(node)}`);
  }

  private checkEqual(left: SqlNode, operator: Token, right: SqlNode, rightAt: Token): void {
    for (const node of [left, right]) {
      if (node.kind === 'constant' && node.value === undefined) {
        const instead = operator.text === '=' ? 'IS NULL' : 'IS NOT NULL';
        throw this.fault(
          node === left ? operator : rightAt,
          `nothing is equal to NULL: write ${instead}`,
        );
      }
    }
    const kinds = [kindOf(left), kindOf(right)];
    if (kinds.includes('number') && kinds.includes('condition')) {
      throw this.fault(
        rightAt,
        `a number is compared with ${describe(kinds[0] === 'number' ? right : left)}`,
      );
    }
  }
}

function isComparison(symbol: SqlSymbol): symbol is Comparison {
  return symbol === '>' || symbol === '>=' || symbol === '<' || symbol === '<=';
}

function constantOf(node: SqlNode): Numeric | undefined {
  return node.kind === 'number' ? node.value : undefined;
}
