/** The fields that open a request, checked (RFC 9113, section 8.2 and 8.3). */
import { FieldKind, type HeaderField } from './header-field';

const NO_FIELDS: readonly HeaderField[] = [];

export class RequestHead {
  method = '';
  scheme = '';
  path = '';
  /** `:authority`, or else `host`; empty when neither was sent. */
  authority = '';
  /** The request's bytes as announced by `content-length`, or -1. */
  contentLength = -1;
  /** Everything but the pseudo fields, in the order sent. */
  fields: HeaderField[] = [];
  /** What makes this request no HTTP/2 request, for people, or `undefined` when it is one. */
  malformed: string | undefined;
  /** What the layer above made of this head: kept with it, as equal blocks share one head. */
  derived: unknown;
  /** A head that this one is like, but for `changed`. */
  base: RequestHead | undefined;
  /** The ordinary fields that `base` has with other values. */
  changed: readonly HeaderField[] = NO_FIELDS;

  /** @param all the fields, pseudo fields too */
  static like(
    base: RequestHead,
    all: readonly HeaderField[],
    changed: readonly HeaderField[],
  ): RequestHead {
    if (changed.length === 0) return base;
    const head = new RequestHead();
    head.method = base.method;
    head.scheme = base.scheme;
    head.path = base.path;
    head.authority = base.authority;
    head.contentLength = base.contentLength;
    head.fields = all.slice(all.length - base.fields.length);
    head.base = base;
    head.changed = changed;
    return head;
  }
}

const METHOD_BIT = 1 << FieldKind.METHOD;
const SCHEME_BIT = 1 << FieldKind.SCHEME;
const PATH_BIT = 1 << FieldKind.PATH;
const NEEDED_BITS = METHOD_BIT | SCHEME_BIT | PATH_BIT;

/** Sorts a request's fields; the first thing wrong is in `malformed`. */
export function requestHead(fields: readonly HeaderField[]): RequestHead {
  const head = new RequestHead();
  let seen = 0;
  let host = '';
  for (const field of fields) {
    const kind = field.kind;
    if (kind >= FieldKind.METHOD && kind <= FieldKind.AUTHORITY) {
      if (head.fields.length > 0) return malformed(head, `${field.name} after ordinary fields`);
      if ((seen & (1 << kind)) !== 0) return malformed(head, `${field.name} twice`);
      seen |= 1 << kind;
      setPseudo(head, kind, field.value);
      continue;
    }
    if (kind !== FieldKind.REGULAR) {
      const wrong = specialFieldError(head, field);
      if (wrong !== undefined) return malformed(head, wrong);
      if (kind === FieldKind.HOST) host = field.value;
    }
    head.fields.push(field);
  }
  if ((seen & NEEDED_BITS) !== NEEDED_BITS) {
    return malformed(head, ':method, :scheme and :path are all needed');
  }
  if (head.path === '') return malformed(head, ':path is empty');
  if (head.authority === '') head.authority = host;
  return head;
}

/** What is wrong with fields that end a request, or `undefined`: they may not be pseudo fields. */
export function trailersError(fields: readonly HeaderField[]): string | undefined {
  for (const { kind, name } of fields) {
    if (kind === FieldKind.ILLEGAL || (kind >= FieldKind.METHOD && kind <= FieldKind.AUTHORITY)) {
      return `${JSON.stringify(name)} is not allowed in trailers`;
    }
  }
  return undefined;
}

function setPseudo(head: RequestHead, kind: FieldKind, value: string): void {
  if (kind === FieldKind.METHOD) head.method = value;
  else if (kind === FieldKind.SCHEME) head.scheme = value;
  else if (kind === FieldKind.PATH) head.path = value;
  else head.authority = value;
}

function specialFieldError(head: RequestHead, field: HeaderField): string | undefined {
  if (field.kind === FieldKind.ILLEGAL) return `the field ${JSON.stringify(field.name)} is illegal`;
  if (field.kind === FieldKind.TE && field.value !== 'trailers') return 'te other than trailers';
  if (field.kind === FieldKind.CONTENT_LENGTH) {
    const length = /^\d{1,15}$/.test(field.value) ? Number(field.value) : -1;
    if (length < 0 || (head.contentLength >= 0 && head.contentLength !== length)) {
      return 'content-length is no number, or is two';
    }
    head.contentLength = length;
  }
  return undefined;
}

function malformed(head: RequestHead, text: string): RequestHead {
  head.malformed = text;
  return head;
}
