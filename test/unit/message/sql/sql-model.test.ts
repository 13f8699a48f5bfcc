import fc from 'fast-check';
import { SqlFilter } from '../../../../src/message/sql/sql-filter';
import { SqlSyntaxError } from '../../../../src/message/sql/syntax-error';
import { evaluate, recordWith } from '../../../support/sql-match';

/** A condition as text, and what it means, written down the plain way. */
interface Term {
  readonly text: string;
  readonly meaning: (properties: Readonly<Record<string, string>>) => boolean | null;
}

const name = fc.constantFrom('a', 'b', 'TAGS');
const integer = fc.integer({ min: -3, max: 3 });
const word = fc.constantFrom<string>('x', 'xy', "it's", '1', '2.5');
const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;

function numberIn(properties: Readonly<Record<string, string>>, property: string): number | null {
  const text = properties[property];
  if (text === undefined || !/^-?[0-9.]+$/.test(text)) return null;
  return Number(text);
}

const comparison = fc
  .tuple(name, fc.constantFrom('=', '<>', '>', '>=', '<', '<='), integer)
  .map(([property, operator, value]): Term => ({
    text: `${property} ${operator} ${value}`,
    meaning: (properties) => {
      const number = numberIn(properties, property);
      if (number === null) return null;
      if (operator === '=') return number === value;
      if (operator === '<>') return number !== value;
      if (operator === '>') return number > value;
      if (operator === '>=') return number >= value;
      return operator === '<' ? number < value : number <= value;
    },
  }));

const equality = fc.tuple(name, fc.boolean(), word).map(([property, negated, value]): Term => ({
  text: `${property} ${negated ? '<>' : '='} ${quoted(value)}`,
  meaning: (properties) =>
    properties[property] === undefined ? null : (properties[property] === value) !== negated,
}));

const range = fc
  .tuple(name, fc.boolean(), integer, fc.nat(3))
  .map(([property, negated, low, width]): Term => ({
    text: `${property} ${negated ? 'NOT ' : ''}BETWEEN ${low} AND ${low + width}`,
    meaning: (properties) => {
      const number = numberIn(properties, property);
      return number === null ? null : (number >= low && number <= low + width) !== negated;
    },
  }));

const set = fc
  .tuple(name, fc.boolean(), fc.array(word, { minLength: 1, maxLength: 3 }))
  .map(([property, negated, words]): Term => ({
    text: `${property} ${negated ? 'NOT ' : ''}IN (${words.map(quoted).join(', ')})`,
    meaning: (properties) => {
      const text = properties[property];
      return text === undefined ? null : words.includes(text) !== negated;
    },
  }));

const strings = fc
  .tuple(name, fc.boolean(), fc.constantFrom('CONTAINS', 'STARTSWITH', 'ENDSWITH'), word)
  .map(([property, negated, test, value]): Term => ({
    text: `${property} ${negated ? 'NOT ' : ''}${test} ${quoted(value)}`,
    meaning: (properties) => {
      const text = properties[property];
      if (text === undefined) return false;
      const at = test === 'ENDSWITH' ? text.lastIndexOf(value) : text.indexOf(value);
      const holds =
        test === 'CONTAINS'
          ? at >= 0
          : test === 'STARTSWITH'
            ? at === 0
            : at >= 0 && at === text.length - value.length;
      return holds !== negated;
    },
  }));

const missing = fc.tuple(name, fc.boolean()).map(([property, negated]): Term => ({
  text: `${property} IS ${negated ? 'NOT ' : ''}NULL`,
  meaning: (properties) => (properties[property] === undefined) !== negated,
}));

const { condition } = fc.letrec<{ condition: Term; not: Term; joined: Term }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    comparison,
    equality,
    range,
    set,
    strings,
    missing,
    tie('not'),
    tie('joined'),
  ),
  not: tie('condition').map((term) => ({
    text: `NOT (${term.text})`,
    meaning: (properties) => {
      const value = term.meaning(properties);
      return value === null ? null : !value;
    },
  })),
  joined: fc
    .tuple(fc.boolean(), fc.array(tie('condition'), { minLength: 2, maxLength: 3 }))
    .map(([all, terms]) => ({
      text: `(${terms.map(({ text }) => text).join(all ? ' AND ' : ' or ')})`,
      meaning: (properties) => {
        const values = terms.map(({ meaning }) => meaning(properties));
        if (values.includes(!all)) return !all;
        return values.includes(null) ? null : all;
      },
    })),
}));

const properties = fc.record(
  {
    a: fc.oneof(integer.map(String), word),
    b: fc.oneof(integer.map(String), word),
    TAGS: fc.oneof(integer.map(String), word),
  },
  { requiredKeys: [] },
);

describe('SQL filters', () => {
  it('mean what a plain evaluation of the same conditions means', () => {
    fc.assert(
      fc.property(condition, properties, (term, values) => {
        expect(evaluate(term.text, values).matched).toBe(term.meaning(values) === true);
      }),
      { seed: 20_260, numRuns: 1500 },
    );
  });

  it('either read an expression or say where it is wrong, whatever is sent', () => {
    const pieces = fc.constantFrom(
      ...[
        "'",
        "''",
        '(',
        ')',
        ',',
        '=',
        '<>',
        '<',
        '>',
        '>=',
        '-',
        '+',
        '--',
        '/*',
        '*/',
        '\n',
        ' ',
      ],
      ...['a', '$', '_b', '5', '5L', '1.5e3', '.', '1e', "'x'", '\u0000', 'ß', '😀', '"', '\\'],
      ...[
        'AND',
        'or',
        'NOT',
        'IS',
        'NULL',
        'IN',
        'BETWEEN',
        'CONTAINS',
        'TRUE',
        'LIKE',
        '9'.repeat(40),
      ],
    );
    const record = recordWith({ a: '5', TAGS: 'x' });
    const noise = fc.oneof(
      fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(' ')),
      fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    fc.assert(
      fc.property(noise, (expression) => {
        try {
          new SqlFilter(expression).matches(record, () => undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(SqlSyntaxError);
          if (!(error instanceof SqlSyntaxError)) return;
          expect(error.position).toBeGreaterThanOrEqual(1);
          expect(error.position).toBeLessThanOrEqual(expression.length + 1);
        }
      }),
      { seed: 20_261, numRuns: 4000 },
    );
  });

  it.each([
    ['open parentheses', '('.repeat(16_384)],
    ['quotes', "'".repeat(16_383)],
    ['comments', '/*'.repeat(8192)],
    ['digits', `a = ${'9'.repeat(16_000)}`],
    ['exponents', `a = ${'1e'.repeat(8000)}`],
    ['blanks', `a = ${' '.repeat(16_000)}`],
    ['signs', `a = ${'+-'.repeat(8000)}1`],
    ['list', `a IN (${"'x',".repeat(4000)}`],
  ])('take little time for the worst: %s', (_name, expression) => {
    const startedMs = performance.now();
    expect(() => new SqlFilter(expression)).toThrow(SqlSyntaxError);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});
