/**
 * One header field, judged once when it is read: a field that a peer repeats comes from the dynamic table
 * and is not looked at again.
 */

/** What a field's name means to HTTP/2 (RFC 9113, section 8). */
export const FieldKind = {
  /** An ordinary field. */
  REGULAR: 0,
  METHOD: 1,
  SCHEME: 2,
  PATH: 3,
  AUTHORITY: 4,
  CONTENT_LENGTH: 5,
  /** `te`, which may only say `trailers`. */
  TE: 6,
  /** `host`, which stands for `:authority` where that is missing. */
  HOST: 7,
  /** Not allowed in a request: unknown pseudo fields, fields about the connection, illegal characters. */
  ILLEGAL: 8,
} as const;

export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

/** What the size of a field counts beyond its name and value (RFC 7541, section 4.1). */
const OVERHEAD_BYTES = 32;

const kinds: ReadonlyMap<string, FieldKind> = new Map([
  [':method', FieldKind.METHOD],
  [':scheme', FieldKind.SCHEME],
  [':path', FieldKind.PATH],
  [':authority', FieldKind.AUTHORITY],
  ['content-length', FieldKind.CONTENT_LENGTH],
  ['te', FieldKind.TE],
  ['host', FieldKind.HOST],
  // Fields about the connection have no meaning in HTTP/2 (section 8.2.2).
  ['connection', FieldKind.ILLEGAL],
  ['keep-alive', FieldKind.ILLEGAL],
  ['proxy-connection', FieldKind.ILLEGAL],
  ['transfer-encoding', FieldKind.ILLEGAL],
  ['upgrade', FieldKind.ILLEGAL],
]);

/** Names: no controls, blanks, upper case or bytes above 0x7e; a colon only in front (section 8.2.1). */
const LEGAL_NAME = /^[!-9;-@[-~]+$/;
export class HeaderField {
  readonly kind: FieldKind;
  /** What the name alone means: the kind, unless the value is illegal. */
  readonly nameKind: FieldKind;
  /** The value is printable ASCII and blanks. */
  readonly printable: boolean;
  /** The size that limits count, bytes. */
  readonly bytes: number;

  /**
   * @param name lower case, as sent
   * @param value one character a byte (latin-1)
   * @param nameKind where it is known from another field of this name
   */
  constructor(
    readonly name: string,
    readonly value: string,
    nameKind?: FieldKind,
  ) {
    this.printable = isPrintable(value);
    this.nameKind = nameKind ?? kindOf(name);
    this.kind = isLegalValue(value, this.printable) ? this.nameKind : FieldKind.ILLEGAL;
    this.bytes = name.length + value.length + OVERHEAD_BYTES;
  }
}

function kindOf(name: string): FieldKind {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  return LEGAL_NAME.test(name) ? FieldKind.REGULAR : FieldKind.ILLEGAL;
}

function isPrintable(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

const BLANK = 0x20;
const TAB = 0x09;

/** No NUL, line feed or carriage return, and no blank or tab at either end (section 8.2.1). */
function isLegalValue(value: string, printable: boolean): boolean {
  if (value === '') return true;
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  if (first === BLANK || first === TAB || last === BLANK || last === TAB) return false;
  return printable || !/[\0\n\r]/.test(value);
}
