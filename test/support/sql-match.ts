import { SqlFilter } from '../../src/message/sql/sql-filter';
import { encodeProperties, Property } from '../../src/message/properties';
import { ANY_HOST } from '../../src/message/host';
import { placeRecord } from '../../src/message/record';
import { draftRecord } from '../../src/message/record-draft';

/** The bytes of a stored record with those properties. */
export function recordWith(properties: Readonly<Record<string, string>>): Buffer {
  const draft = draftRecord({
    topic: 'topic',
    body: Buffer.from('a body, with a \u0002 and TAGS\u0001x\u0002 in it'),
    properties: encodeProperties(Object.entries(properties)),
    tag: properties[Property.TAGS] ?? '',
    bornTimestamp: 1_700_000_000_000,
  });
  const record = Buffer.alloc(draft.byteLength);
  draft.writeTo(record, 0);
  const place = { queueId: 0, queueOffset: 0, physicalOffset: 0, storeTimestamp: 0 };
  placeRecord(record, 0, { ...place, storeHost: ANY_HOST });
  return record;
}

export interface SqlOutcome {
  readonly matched: boolean;
  readonly faults: readonly string[];
}

/** What an expression says of a message with those properties. */
export function evaluate(
  expression: string,
  properties: Readonly<Record<string, string>> = {},
): SqlOutcome {
  const faults: string[] = [];
  const filter = new SqlFilter(expression);
  const matched = filter.matches(recordWith(properties), (fault) => faults.push(fault));
  return { matched, faults };
}
