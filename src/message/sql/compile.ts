/**
 * Makes a function of an SQL expression's tree. Three-valued: `undefined` stands for unknown, which
 * is what a missing property gives, and a property whose text is no number where one is needed; the
 * latter is also reported, since it is a mistake of the producer or of the consumer.
 */
import { type Numeric, numberOf } from './numbers';
import { kindOf, type NumberNode, type PropertyNode, type SqlNode, type TextTest } from './syntax';

/** The properties of one message, and where faults go. */
export interface SqlInput {
  /** `undefined` when there is none; never ''. */
  get(name: string): string | undefined;
  /** @param fault what could not be evaluated: property, its text, and what was expected */
  report(fault: string): void;
}

export type SqlCondition = (input: SqlInput) => boolean | undefined;
type NumberReader = (input: SqlInput) => Numeric | undefined;
type TextReader = (input: SqlInput) => string | undefined;

/** Characters of a property's text that a fault shows. */
const SHOWN_CHARS = 32;

export function compileCondition(node: SqlNode): SqlCondition {
  switch (node.kind) {
    case 'property':
    case 'string':
    case 'number':
    case 'minus':
    case 'plus':
      // Not a condition: neither true nor false.
      return () => undefined;
    case 'constant': {
      const { value } = node;
      return () => value;
    }
    case 'and':
      return allOf(node.operands.map(compileCondition));
    case 'or':
      return anyOf(node.operands.map(compileCondition));
    case 'not':
      return negate(compileCondition(node.operand));
    case 'equal':
      return node.negated
        ? negate(compileEqual(node.left, node.right))
        : compileEqual(node.left, node.right);
    case 'compare':
      return compileComparison(node);
    case 'between':
      return compileBetween(node);
    case 'in':
      return compileIn(node);
    case 'text':
      return compileText(node);
    case 'null':
      return compileNull(node.operand, node.negated);
  }
}

/** The names of all properties that an expression looks at. */
export function propertiesOf(node: SqlNode, names = new Set<string>()): ReadonlySet<string> {
  if (node.kind === 'property') names.add(node.name);
  for (const child of childrenOf(node)) propertiesOf(child, names);
  return names;
}

/** Nodes of the tree, and elements of lists: what an evaluation may have to look at. */
export function sizeOf(node: SqlNode): number {
  let size = 1;
  for (const child of childrenOf(node)) size += sizeOf(child);
  return node.kind === 'in' ? size + node.numbers.length : size;
}

function childrenOf(node: SqlNode): readonly SqlNode[] {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.operands;
    case 'not':
    case 'null':
    case 'minus':
    case 'plus':
      return [node.operand];
    case 'equal':
    case 'compare':
      return [node.left, node.right];
    case 'between':
      return [node.value, node.low, node.high];
    case 'in':
    case 'text':
      return [node.property];
    default:
      return [];
  }
}

function allOf(conditions: readonly SqlCondition[]): SqlCondition {
  return (input) => {
    let result: boolean | undefined = true;
    for (const condition of conditions) {
      const value = condition(input);
      if (value === false) return false;
      if (value === undefined) result = undefined;
    }
    return result;
  };
}

function anyOf(conditions: readonly SqlCondition[]): SqlCondition {
  return (input) => {
    let result: boolean | undefined = false;
    for (const condition of conditions) {
      const value = condition(input);
      if (value === true) return true;
      if (value === undefined) result = undefined;
    }
    return result;
  };
}

function negate(condition: SqlCondition): SqlCondition {
  return (input) => {
    const value = condition(input);
    return value === undefined ? undefined : !value;
  };
}

function negateIf(negated: boolean, condition: SqlCondition): SqlCondition {
  return negated ? negate(condition) : condition;
}

/** As numbers beside a number, as conditions beside a condition, else as texts. */
function compileEqual(left: SqlNode, right: SqlNode): SqlCondition {
  const kinds = [kindOf(left), kindOf(right)];
  if (kinds.includes('number')) {
    return equalTo(right, numberReader(left), numberReader(right), (a, b) => !(a < b) && !(a > b));
  }
  if (kinds.includes('condition')) {
    return equalTo(right, truthReader(left), truthReader(right), (a, b) => a === b);
  }
  return equalTo(right, textReader(left), textReader(right), (a, b) => a === b);
}

/**
 * Unknown when the left side is; where only a property on the right is missing it is false, so that
 * `'x' <> a` is true: what Apache RocketMQ's consumers know.
 */
function equalTo<T>(
  rightNode: SqlNode,
  left: (input: SqlInput) => T | undefined,
  right: (input: SqlInput) => T | undefined,
  equal: (a: T, b: T) => boolean,
): SqlCondition {
  const name = rightNode.kind === 'property' ? rightNode.name : undefined;
  return (input) => {
    const a = left(input);
    if (a === undefined) return undefined;
    if (name !== undefined && input.get(name) === undefined) return false;
    const b = right(input);
    return b === undefined ? undefined : equal(a, b);
  };
}

function compileComparison(node: SqlNode & { kind: 'compare' }): SqlCondition {
  const left = numberReader(node.left);
  const right = numberReader(node.right);
  const test = COMPARISONS[node.comparison];
  return (input) => {
    const a = left(input);
    if (a === undefined) return undefined;
    const b = right(input);
    return b === undefined ? undefined : test(a, b);
  };
}

const COMPARISONS = {
  '>': (a: Numeric, b: Numeric) => a > b,
  '>=': (a: Numeric, b: Numeric) => a >= b,
  '<': (a: Numeric, b: Numeric) => a < b,
  '<=': (a: Numeric, b: Numeric) => a <= b,
} as const;

function compileBetween({
  value,
  low,
  high,
  negated,
}: SqlNode & { kind: 'between' }): SqlCondition {
  const least = compileComparison({ kind: 'compare', comparison: '>=', left: value, right: low });
  const most = compileComparison({ kind: 'compare', comparison: '<=', left: value, right: high });
  return negateIf(negated, allOf([least, most]));
}

function compileIn({
  property: { name },
  texts,
  numbers,
  negated,
}: SqlNode & { kind: 'in' }): SqlCondition {
  const set = new Set(texts);
  return negateIf(negated, (input) => {
    const text = input.get(name);
    if (text === undefined) return undefined;
    if (set.has(text)) return true;
    if (numbers.length === 0) return false;
    const value = numberOf(text);
    return value !== undefined && numbers.some((one) => !(one < value) && !(one > value));
  });
}

/** False, and negated false too, for a missing property and for an empty text. */
function compileText({
  test,
  property: { name },
  text,
  negated,
}: SqlNode & { kind: 'text' }): SqlCondition {
  if (text === '') return () => false;
  const holds = TEXT_TESTS[test];
  return (input) => {
    const value = input.get(name);
    return value === undefined ? false : holds(value, text) !== negated;
  };
}

const TEXT_TESTS: Readonly<Record<TextTest, (value: string, text: string) => boolean>> = {
  CONTAINS: (value, text) => value.includes(text),
  STARTSWITH: (value, text) => value.startsWith(text),
  ENDSWITH: (value, text) => value.endsWith(text),
};

function compileNull(operand: SqlNode, negated: boolean): SqlCondition {
  const value: (input: SqlInput) => unknown =
    kindOf(operand) === 'text'
      ? textReader(operand)
      : kindOf(operand) === 'number'
        ? numberReader(operand)
        : compileCondition(operand);
  return (input) => (value(input) === undefined) !== negated;
}

function textReader(node: SqlNode): TextReader {
  if (node.kind === 'property') return (input) => input.get(node.name);
  if (node.kind === 'string') return () => node.value;
  return () => undefined;
}

/** A text is true when it says `true`, in any case, and else false. */
function truthReader(node: SqlNode): SqlCondition {
  if (kindOf(node) === 'condition') return compileCondition(node);
  const text = textReader(node);
  return (input) => {
    const value = text(input);
    return value === undefined ? undefined : value.toLowerCase() === 'true';
  };
}

function numberReader(node: SqlNode): NumberReader {
  switch (node.kind) {
    case 'number': {
      const { value } = node;
      return () => value;
    }
    case 'string': {
      const value = numberOf(node.value);
      return () => value;
    }
    case 'property':
      return (input) => propertyNumber(node, input);
    case 'plus':
      return numberReader(node.operand);
    case 'minus':
      return minus(node.operand);
    default:
      return () => undefined;
  }
}

function minus(operand: NumberNode | PropertyNode): NumberReader {
  const read = numberReader(operand);
  return (input) => {
    const value = read(input);
    return value === undefined ? undefined : -value;
  };
}

function propertyNumber({ name }: PropertyNode, input: SqlInput): Numeric | undefined {
  const text = input.get(name);
  if (text === undefined) return undefined;
  const value = numberOf(text);
  if (value === undefined) {
    const shown =
      JSON.stringify(text.slice(0, SHOWN_CHARS)) + (text.length > SHOWN_CHARS ? '...' : '');
    input.report(`property ${name} is no number: ${shown}`);
  }
  return value;
}
