/** The tree of an SQL expression. */
import type { Numeric } from './numbers';

export type Comparison = '>' | '>=' | '<' | '<=';
export type TextTest = 'CONTAINS' | 'STARTSWITH' | 'ENDSWITH';

export interface PropertyNode {
  readonly kind: 'property';
  readonly name: string;
}

/** A number: a literal, a property's text read as one, or one of the two with its sign changed. */
export type NumberNode =
  | { readonly kind: 'number'; readonly value: Numeric }
  | { readonly kind: 'minus'; readonly operand: NumberNode | PropertyNode }
  | { readonly kind: 'plus'; readonly operand: PropertyNode };

export interface StringNode {
  readonly kind: 'string';
  readonly value: string;
}

/** What is true, false or unknown. */
export type ConditionNode =
  | { readonly kind: 'constant'; readonly value: boolean | undefined }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly SqlNode[] }
  | { readonly kind: 'not'; readonly operand: SqlNode }
  | {
      readonly kind: 'equal';
      readonly left: SqlNode;
      readonly right: SqlNode;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'compare';
      readonly comparison: Comparison;
      readonly left: NumberNode | PropertyNode;
      readonly right: NumberNode | PropertyNode;
    }
  | {
      readonly kind: 'between';
      readonly value: NumberNode | PropertyNode;
      readonly low: NumberNode | PropertyNode;
      readonly high: NumberNode | PropertyNode;
      readonly negated: boolean;
    }
  | {
      readonly kind: 'in';
      readonly property: PropertyNode;
      readonly texts: readonly string[];
      readonly numbers: readonly Numeric[];
      readonly negated: boolean;
    }
  | {
      readonly kind: 'text';
      readonly test: TextTest;
      readonly property: PropertyNode;
      readonly text: string;
      readonly negated: boolean;
    }
  | { readonly kind: 'null'; readonly operand: SqlNode; readonly negated: boolean };

export type SqlNode = PropertyNode | NumberNode | StringNode | ConditionNode;

/** What a node is beside an operator that takes several kinds. */
export function kindOf(node: SqlNode): 'text' | 'number' | 'condition' {
  switch (node.kind) {
    case 'property':
    case 'string':
      return 'text';
    case 'number':
    case 'minus':
    case 'plus':
      return 'number';
    default:
      return 'condition';
  }
}

/** A node in the text of an error. */
export function describe(node: SqlNode): string {
  switch (node.kind) {
    case 'string':
      return `the string '${node.value.slice(0, 32)}'`;
    case 'constant':
      return node.value === undefined ? 'NULL' : String(node.value).toUpperCase();
    case 'property':
      return `the property ${node.name}`;
    case 'number':
    case 'minus':
    case 'plus':
      return 'a number';
    default:
      return 'a condition';
  }
}
