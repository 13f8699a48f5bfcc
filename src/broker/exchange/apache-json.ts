/**
 * JSON as Apache RocketMQ writes its config files: one TAB a level, `"key":value`, keys of maps from
 * numbers without quotes (`0:12`), longs as bare digits also beyond 2^53, no line end at the end.
 * Read is that and standard JSON. An object is a Map whose unquoted keys are numbers.
 */

export type JsonKey = string | number;
export type JsonValue =
  null | boolean | number | bigint | string | readonly JsonValue[] | Map<JsonKey, JsonValue>;
export type JsonObject = Map<JsonKey, JsonValue>;

/** Levels of one file: no config of Apache's comes near. */
const MAX_DEPTH = 64;
/** Members of a table that are printed before the event loop gets its turn. */
const MEMBERS_A_TURN = 500;

/** Prints a value; `depth` is the level of what surrounds it. */
export function printJson(value: JsonValue, depth = 0): string {
  if (value instanceof Map) {
    const members = [...value].map(([key, member]) => printMember(key, member, depth + 1));
    return enclose('{', members, '}', depth);
  }
  if (Array.isArray(value)) {
    const items = (value as readonly JsonValue[]).map((item) => printJson(item, depth + 1));
    return enclose('[', items, ']', depth);
  }
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

/** Prints an object of tables, some hundred members a turn of the event loop. */
export async function printTables(root: JsonObject, turn: () => Promise<void>): Promise<string> {
  const members: string[] = [];
  for (const [key, table] of root) {
    if (!(table instanceof Map)) {
      members.push(printMember(key, table, 1));
      continue;
    }
    const rows: string[] = [];
    for (const [name, row] of table) {
      rows.push(printMember(name, row, 2));
      if (rows.length % MEMBERS_A_TURN === 0) await turn();
    }
    members.push(`${JSON.stringify(key)}:${enclose('{', rows, '}', 1)}`);
  }
  return enclose('{', members, '}', 0);
}

/** @throws SyntaxError naming the position of what is no JSON of the kinds above */
export function parseApacheJson(text: string): JsonValue {
  return new Parser(text).document();
}

function printMember(key: JsonKey, value: JsonValue, depth: number): string {
  return `${typeof key === 'number' ? key : JSON.stringify(key)}:${printJson(value, depth)}`;
}

function enclose(open: string, parts: readonly string[], close: string, depth: number): string {
  if (parts.length === 0) return open + close;
  const indent = '\t'.repeat(depth);
  return `${open}\n\t${indent}${parts.join(`,\n\t${indent}`)}\n${indent}${close}`;
}

const INTEGER = /^-?\d+$/;
const TOKEN = /[^\s,:{}[\]"]+/y;
const STRING = /"(?:[^"\\]|\\.)*"/sy;

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  document(): JsonValue {
    if (this.text.charCodeAt(0) === 0xfeff) this.at = 1;
    const value = this.value(0);
    this.blanks();
    if (this.at < this.text.length) throw this.error('more text behind the end');
    return value;
  }

  private value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw this.error(`more than ${MAX_DEPTH} levels`);
    this.blanks();
    const first = this.text[this.at];
    if (first === '{') return this.object(depth);
    if (first === '[') return this.array(depth);
    return first === '"' ? this.string() : this.scalar();
  }

  private object(depth: number): JsonObject {
    const members: JsonObject = new Map();
    this.at++;
    while (!this.take('}')) {
      const key = this.key();
      if (!this.take(':')) throw this.error("no ':'");
      members.set(key, this.value(depth + 1));
      if (!this.take(',') && this.peek() !== '}') throw this.error("no ',' or '}'");
    }
    return members;
  }

  private array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.at++;
    while (!this.take(']')) {
      items.push(this.value(depth + 1));
      if (!this.take(',') && this.peek() !== ']') throw this.error("no ',' or ']'");
    }
    return items;
  }

  private key(): JsonKey {
    if (this.peek() === '"') return this.string();
    const token = this.token();
    const number = Number(token);
    return INTEGER.test(token) && Number.isSafeInteger(number) ? number : token;
  }

  private scalar(): JsonValue {
    const token = this.token();
    if (token === 'null') return null;
    if (token === 'true' || token === 'false') return token === 'true';
    const number = Number(token);
    if (INTEGER.test(token)) return Number.isSafeInteger(number) ? number : BigInt(token);
    if (token === '' || Number.isNaN(number)) throw this.error('no value');
    return number;
  }

  private string(): string {
    STRING.lastIndex = this.at;
    const [quoted] = STRING.exec(this.text) ?? [];
    if (quoted === undefined) throw this.error('a string without an end');
    this.at += quoted.length;
    return JSON.parse(quoted) as string;
  }

  private token(): string {
    TOKEN.lastIndex = this.at;
    const [token] = TOKEN.exec(this.text) ?? [];
    if (token === undefined) throw this.error('no value');
    this.at += token.length;
    return token;
  }

  private take(mark: string): boolean {
    if (this.peek() !== mark) return false;
    this.at++;
    return true;
  }

  private peek(): string | undefined {
    this.blanks();
    return this.text[this.at];
  }

  private blanks(): void {
    while (this.at < this.text.length && ' \t\r\n'.includes(this.text.charAt(this.at))) this.at++;
  }

  private error(what: string): SyntaxError {
    return new SyntaxError(`${what} at character ${this.at}`);
  }
}
