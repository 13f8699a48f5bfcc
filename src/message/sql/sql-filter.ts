/** An SQL expression as a filter over stored records: properties are looked up in their bytes. */
import type { RecordFilter } from '../filter';
import { parseProperties } from '../properties';
import { findProperty, propertiesText, propertyKey } from '../record-property';
import {
  compileCondition,
  propertiesOf,
  sizeOf,
  type SqlCondition,
  type SqlInput,
} from './compile';
import { parseSql } from './parser';

/** Up to so many properties are looked up one by one; more make a map of all. */
const LOOKUPS = 4;
/** Nodes of an expression that cost about as much as looking at one entry. */
const NODES_PER_ENTRY = 4;
/** Between two evaluations no record's memory is held. */
const NO_RECORD = Buffer.alloc(0);

export class SqlFilter implements RecordFilter, SqlInput {
  readonly codes = undefined;
  readonly cost: number;
  private readonly condition: SqlCondition;
  private readonly keys: ReadonlyMap<string, Buffer>;
  private record: Buffer = NO_RECORD;
  private all: ReadonlyMap<string, string> | undefined;
  private onFault: (fault: string) => void = () => undefined;

  /** @throws SqlSyntaxError (ILLEGAL_FILTER_EXPRESSION) */
  constructor(expression: string) {
    const tree = parseSql(expression);
    this.condition = compileCondition(tree);
    this.keys = new Map([...propertiesOf(tree)].map((name) => [name, propertyKey(name)]));
    this.cost = 4 + Math.ceil(sizeOf(tree) / NODES_PER_ENTRY);
  }

  /** Hot path. */
  matches(record: Buffer, onFault: (fault: string) => void): boolean {
    this.record = record;
    this.onFault = onFault;
    this.all = undefined;
    const matched = this.condition(this) === true;
    this.record = NO_RECORD;
    return matched;
  }

  get(name: string): string | undefined {
    if (this.keys.size > LOOKUPS) {
      this.all ??= parseProperties(propertiesText(this.record));
      return this.all.get(name);
    }
    const key = this.keys.get(name);
    const value = key === undefined ? undefined : findProperty(this.record, key);
    return value === '' ? undefined : value;
  }

  report(fault: string): void {
    this.onFault(fault);
  }
}
