import { MAX_SQL_CHARS } from '../../../../src/message/sql/parser';
import { SqlFilter } from '../../../../src/message/sql/sql-filter';
import { MAX_SQL_DEPTH } from '../../../../src/message/sql/token-cursor';
import { SqlSyntaxError } from '../../../../src/message/sql/syntax-error';
import { Code, StatusError } from '../../../../src/message/status';
import { evaluate } from '../../../support/sql-match';

type Row = readonly [expression: string, properties: Record<string, string>, matched: boolean];

function rows(title: string, table: readonly Row[]): void {
  describe(title, () => {
    it.each(table)('%s of %j: %j', (expression, properties, matched) => {
      expect(evaluate(expression, properties)).toEqual({ matched, faults: [] });
    });
  });
}

rows('logic', [
  ['a = 1 AND b = 2', { a: '1', b: '2' }, true],
  ['a = 1 AND b = 2', { a: '1', b: '3' }, false],
  ['a = 1 OR b = 2', { a: '0', b: '2' }, true],
  ['NOT (a = 1)', { a: '2' }, true],
  ['a = 1 OR b = 2 AND c = 3', { a: '1', b: '0', c: '0' }, true],
  ['(a = 1 OR b = 2) AND c = 3', { a: '1', b: '0', c: '0' }, false],
  ['a=1 aNd NoT(b=2)', { a: '1', b: '3' }, true],
]);

rows('comparison', [
  ["a = 'x'", { a: 'x' }, true],
  ["a = 'x'", { a: 'X' }, false],
  ["a <> 'x'", { a: 'y' }, true],
  ['a > 5', { a: '6' }, true],
  ['a > 5', { a: '5' }, false],
  ['a >= 5', { a: '5' }, true],
  ['a < 5', { a: '-6' }, true],
  ['a <= 5.5', { a: '5.5' }, true],
  ['5 < a', { a: '6' }, true],
  ['a = b', { a: 'x', b: 'x' }, true],
  ['a > b', { a: '10', b: '9' }, true],
  ['a > b', { a: '1.5', b: '1.25' }, true],
]);

rows('range', [
  ['a BETWEEN 1 AND 3', { a: '1' }, true],
  ['a BETWEEN 1 AND 3', { a: '3' }, true],
  ['a BETWEEN 1 AND 3', { a: '4' }, false],
  ['a NOT BETWEEN 1 AND 3', { a: '4' }, true],
  ['a NOT BETWEEN 1 AND 3', { a: '2' }, false],
  ['a BETWEEN -1.5 AND 2.5 AND b = 1', { a: '0', b: '1' }, true],
  ['5 BETWEEN a AND b', { a: '4', b: '6' }, true],
  ['a BETWEEN 3 AND 3', { a: '3' }, true],
]);

rows('set', [
  ["a IN ('x', 'y')", { a: 'y' }, true],
  ["a IN ('x', 'y')", { a: 'z' }, false],
  ["a NOT IN ('x', 'y')", { a: 'z' }, true],
  ["a NOT IN ('x', 'y')", { a: 'x' }, false],
  ['a IN (1, -2)', { a: '-2.0' }, true],
  ['a IN (1, 2)', { a: 'x' }, false],
]);

rows('null test', [
  ['a IS NULL', {}, true],
  ['a IS NULL', { a: 'x' }, false],
  ['a IS NOT NULL', { a: 'x' }, true],
  ['a IS NOT NULL', {}, false],
  ['NULL IS NULL', {}, true],
  ['-a IS NULL', {}, true],
  ['(a > 1) IS NULL', {}, true],
]);

rows('strings', [
  ["a CONTAINS 'bc'", { a: 'abcd' }, true],
  ["a NOT CONTAINS 'bc'", { a: 'abcd' }, false],
  ["a STARTSWITH 'ab'", { a: 'abcd' }, true],
  ["a NOT STARTSWITH 'ab'", { a: 'xab' }, true],
  ["a ENDSWITH 'cd'", { a: 'abcd' }, true],
  ["a NOT ENDSWITH 'cd'", { a: 'cdx' }, true],
]);

rows('signs and literals', [
  ['a = -5', { a: '-5' }, true],
  ['a = +5', { a: '+5' }, true],
  ['-a > 4', { a: '-5' }, true],
  ['a = - - 5', { a: '5' }, true],
  ['a = 5L AND b = 7l', { a: '5', b: '7' }, true],
  ['a = 9007199254740993', { a: '9007199254740993' }, true],
  ['a = 9007199254740993', { a: '9007199254740992' }, false],
  ['a > -9223372036854775808', { a: '-9223372036854775807' }, true],
  ['a = 1.5e2', { a: '150' }, true],
  ['a = .5', { a: '0.5' }, true],
  ['a = 5.', { a: '5' }, true],
  ['a = 0.0', { a: '0' }, true],
  ["a = 'it''s'", { a: "it's" }, true],
  ["a = ''''", { a: "'" }, true],
  ['TRUE', {}, true],
  ['FALSE', {}, false],
  ['NULL', {}, false],
  ['a = TRUE', { a: 'tRuE' }, true],
  ['a = TRUE', { a: 'yes' }, false],
  ['TRUE = a', { a: 'true' }, true],
]);

rows('identifiers, keywords and comments', [
  ["_a$1 = 'x'", { _a$1: 'x' }, true],
  ["A = 'x'", { a: 'x' }, false],
  ["größe = '1'", { größe: '1' }, true],
  ["TAGS = 'red'", { TAGS: 'red' }, true],
  ["TAGS IN ('blue')", { TAGS: 'red' }, false],
  ["KEYS CONTAINS 'k2'", { KEYS: 'k1 k2' }, true],
  ["a between 1 and 3 and b is not null and c in ('x')", { a: '2', b: 'y', c: 'x' }, true],
  ['a = 1 -- AND b = 2', { a: '1' }, true],
  ['a = /* two\nlines */ 1\n-- end\nAND b = 2', { a: '1', b: '2' }, true],
]);

rows('what is missing is unknown, and unknown does not match', [
  ['a = 5', {}, false],
  ['NOT (a = 5)', {}, false],
  ['a > 5', {}, false],
  ['NOT (a > 5)', {}, false],
  ['a BETWEEN 1 AND 2', {}, false],
  ['a NOT BETWEEN 1 AND 2', {}, false],
  ["a <> 'x'", {}, false],
  ["'x' <> a", {}, true],
  ["'x' = a", {}, false],
  ["a IN ('x')", {}, false],
  ["a NOT IN ('x')", {}, false],
  ["a CONTAINS 'x'", {}, false],
  ["a NOT CONTAINS 'x'", {}, false],
  ["NOT (a NOT CONTAINS 'x')", {}, true],
  ["a NOT STARTSWITH 'x'", {}, false],
  ["a NOT CONTAINS ''", { a: 'x' }, false],
  ["a = ''", { a: '' }, false],
  ['a IS NULL', { a: '' }, true],
  ['NULL AND FALSE IS NOT NULL', {}, false],
  ['(NULL AND FALSE) IS NOT NULL', {}, true],
  ['(NULL AND TRUE) IS NULL', {}, true],
  ['(NULL OR TRUE) IS NOT NULL', {}, true],
  ['(NULL OR FALSE) IS NULL', {}, true],
  ['(NOT NULL) IS NULL', {}, true],
  ['a', { a: 'true' }, false],
  ['NOT a', { a: 'x' }, false],
  ['5', {}, false],
]);

rows('more than Apache RocketMQ accepts', [
  ['NOT a = 5', { a: '6' }, true],
  ['NOT a = 5', { a: '5' }, false],
  ['NOT a IS NULL', { a: '5' }, true],
  ['a > 5', { a: '12.5' }, true],
  ['a = 5', { a: ' 5.0 ' }, true],
  ['b = NOT (a = 1)', { a: '2', b: 'true' }, true],
]);

describe('a property that is no number where one is needed', () => {
  it.each([
    ['a > 5', { a: 'abc' }, false],
    ['NOT (a > 5)', { a: 'abc' }, false],
    ['a = 5', { a: 'abc' }, false],
    ['a > b', { a: 'abc', b: '1' }, false],
    ['a BETWEEN 1 AND 5', { a: '1x' }, false],
    ['-a = 1', { a: '0x10' }, false],
    ['a > 5 OR b = 1', { a: 'abc', b: '1' }, true],
    ['a > 5 AND b = 1', { a: 'abc', b: '2' }, false],
  ])('makes %s of %j unknown, and is reported', (expression, properties, matched) => {
    const outcome = evaluate(expression, properties);
    expect(outcome.matched).toBe(matched);
    expect(outcome.faults[0]).toBe(`property a is no number: ${JSON.stringify(properties.a)}`);
  });

  it('is shown in part when it is long', () => {
    const { faults } = evaluate('a > 5', { a: 'x'.repeat(1000) });
    expect(faults).toEqual([`property a is no number: "${'x'.repeat(32)}"...`]);
  });
});

describe('a filter over many properties', () => {
  it('looks each up', () => {
    const names = Array.from({ length: 20 }, (_, i) => `p${i}`);
    const expression = names.map((name) => `${name} = '${name}'`).join(' AND ');
    const properties = Object.fromEntries(names.map((name) => [name, name]));
    expect(evaluate(expression, properties).matched).toBe(true);
    expect(evaluate(expression, { ...properties, p13: 'x' }).matched).toBe(false);
  });
});

describe('a syntax error', () => {
  function errorOf(expression: string): SqlSyntaxError {
    try {
      new SqlFilter(expression);
    } catch (error) {
      if (error instanceof SqlSyntaxError) return error;
      throw error;
    }
    throw new Error(`accepted: ${expression}`);
  }

  it.each([
    ['', 1, 'the expression is empty'],
    ['  -- nothing', 13, 'found the end'],
    [
      'a >',
      4,
      'expected a property, a number, a string, TRUE, FALSE, NULL, NOT or "(", found the end',
    ],
    ['a > > 5', 5, 'found ">"'],
    ['a b', 3, 'expected an operator or the end, found "b"'],
    ["a LIKE 'x%'", 3, 'there is no LIKE: use CONTAINS, STARTSWITH or ENDSWITH'],
    ['a + 1 > 2', 3, 'there is no arithmetic'],
    ['a * 2 > 2', 3, 'there is no arithmetic'],
    ['a != 5', 3, 'write <> for "not equal"'],
    ['a == 5', 4, 'found "="'],
    ['a = "x"', 5, 'strings stand in single quotes'],
    ["a = 'x", 5, 'the string that begins here has no end'],
    ['a = 1 /* x', 7, 'the comment that begins here has no end'],
    ['(a = 1', 7, 'expected an operator or ")", found the end'],
    ['a = 1)', 6, 'expected an operator or the end, found ")"'],
    ['a = NULL', 5, 'write IS NULL'],
    ['a <> NULL', 6, 'write IS NOT NULL'],
    ['a IS 5', 6, 'expected NULL or NOT NULL, found "5"'],
    ["a > 'x'", 5, "> takes numbers and properties, found the string 'x'"],
    ['a < TRUE', 5, 'found TRUE'],
    ['a >= NULL', 6, 'found NULL'],
    ["'x' < a", 1, "found the string 'x'"],
    ['5 = TRUE', 5, 'a number is compared with TRUE'],
    ['a BETWEEN 5 AND 1', 11, 'the lower bound of BETWEEN, 5, is above the upper one, 1'],
    ['a BETWEEN 5 OR 1', 13, 'expected AND between the bounds of BETWEEN, found "OR"'],
    ["a BETWEEN 'a' AND 'b'", 11, 'BETWEEN takes numbers and properties'],
    ['a IN ()', 7, 'expected a string or a number in the list of IN, found ")"'],
    ["a IN ('x' 'y')", 11, 'expected "," or ")" in the list of IN'],
    ["a IN 'x'", 6, 'expected "(" after IN'],
    ["5 IN ('x')", 1, 'IN takes a property on its left, found a number'],
    ['a CONTAINS 5', 12, 'expected a string after CONTAINS, found "5"'],
    ["'x' CONTAINS 'x'", 1, 'CONTAINS takes a property on its left'],
    ['a NOT = 5', 7, 'expected BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH after NOT'],
    ['a = 9223372036854775808', 5, 'does not fit 64 bits'],
    ['a = 0x10', 5, 'expected a decimal number, found "0x10"'],
    ['a = 5abc', 5, 'expected a decimal number, found "5abc"'],
    ['a = 1.2.3', 5, 'expected a decimal number'],
    ['a.b = 1', 2, 'property names have no dots'],
    ["a = - 'x'", 7, "- takes numbers and properties, found the string 'x'"],
    ['a = 1;', 6, '";" is no part of an expression'],
  ] as const)('%j at position %d', (expression, position, text) => {
    const error = errorOf(expression);
    expect(error).toBeInstanceOf(StatusError);
    expect(error.code).toBe(Code.ILLEGAL_FILTER_EXPRESSION);
    expect(error.position).toBe(position);
    expect(error.problem).toContain(text);
    expect(error.message).toContain(`position ${position}`);
  });

  it('of several lines tells line and column, and shows the place', () => {
    expect(errorOf('a = 1 AND\n  b > ?').message).toBe(
      'SQL filter, position 17 (line 2, column 7): "?" is no part of an expression; ' +
        'near: a = 1 AND   b > >>>?',
    );
  });

  it('is an expression that is too long', () => {
    const longest = `a = '${'x'.repeat(MAX_SQL_CHARS - 6)}'`;
    expect(longest).toHaveLength(MAX_SQL_CHARS);
    expect(() => new SqlFilter(longest)).not.toThrow();
    expect(errorOf(`${longest} `).problem).toBe(
      `the expression has ${MAX_SQL_CHARS + 1} characters, the limit is ${MAX_SQL_CHARS}`,
    );
  });

  it.each([
    ['parentheses', (n: number) => `${'('.repeat(n)}a = 1${')'.repeat(n)}`],
    ['NOT', (n: number) => `${'NOT '.repeat(n)}a = 1`],
    ['signs', (n: number) => `a = ${'- '.repeat(n)}1`],
    ['equalities', (n: number) => `a = 1${' = TRUE'.repeat(n)}`],
  ])('is an expression that is nested too deep, by %s', (_name, build) => {
    expect(() => new SqlFilter(build(MAX_SQL_DEPTH))).not.toThrow();
    expect(errorOf(build(MAX_SQL_DEPTH + 1)).problem).toContain(`more than ${MAX_SQL_DEPTH} deep`);
  });

  it('is none in an expression of very many terms', () => {
    const terms = Array.from({ length: 1800 }, () => 'a = 1').join(' OR ');
    expect(evaluate(terms, { a: '1' }).matched).toBe(true);
  });
});
