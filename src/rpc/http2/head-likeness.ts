import { FieldKind, type HeaderField } from './header-field';
import { RequestHead } from './request-head';

/** Heads remembered a connection: a client calls a few methods again and again. */
const MAX_HEADS = 8;
/** Fields that may differ: a time limit, an id, a date, a signature. */
const MAX_CHANGES = 4;

interface Remembered {
  /** All of them, pseudo fields too, in the order sent. */
  readonly fields: readonly HeaderField[];
  readonly head: RequestHead;
}

/**
 * Clients put a time limit or an id into each request and repeat all else. Fields that come from the dynamic table are
 * the same objects each time; so a request whose fields are those of an earlier one, but for a few ordinary ones, is
 * known by comparing references, and all that was found out about the earlier one holds.
 */
export class HeadLikeness {
  private readonly heads: Remembered[] = [];
  private oldest = 0;

  /** The head of a request with these fields, made from one that it is like; `undefined` when there is none. */
  find(fields: readonly HeaderField[]): RequestHead | undefined {
    for (const remembered of this.heads) {
      if (remembered.fields.length !== fields.length) continue;
      const changed = changes(remembered.fields, fields);
      if (changed !== undefined) return RequestHead.like(remembered.head, fields, changed);
    }
    return undefined;
  }

  /** Remembers a head that is none of those remembered. */
  keep(fields: readonly HeaderField[], head: RequestHead): void {
    if (head.malformed !== undefined) return;
    this.heads[this.oldest] = { fields, head };
    this.oldest = (this.oldest + 1) % MAX_HEADS;
  }
}

/** The fields in `now` that `before` has otherwise; `undefined` when they are too many or of another kind. */
function changes(
  before: readonly HeaderField[],
  now: readonly HeaderField[],
): readonly HeaderField[] | undefined {
  let changed: HeaderField[] | undefined;
  for (let i = 0; i < now.length; i++) {
    const field = now[i];
    const old = before[i];
    if (field === old || field === undefined || old === undefined) continue;
    if (field.name !== old.name) return undefined;
    if (field.value === old.value) continue;
    if (field.kind !== FieldKind.REGULAR || old.kind !== FieldKind.REGULAR) return undefined;
    if ((changed ??= []).push(field) > MAX_CHANGES) return undefined;
  }
  return changed ?? [];
}
