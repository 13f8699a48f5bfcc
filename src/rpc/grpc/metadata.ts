/** Metadata between header fields and grpc-js's `Metadata`, which handlers know. */
import { Metadata, type MetadataValue } from '@grpc/grpc-js';
import type { HeaderField } from '../http2/header-field';
import type { FieldPair } from '../http2/hpack-encoder';

/** Fields that are the transport's own and are not shown to handlers. */
const TRANSPORT_FIELDS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'content-type',
  'grpc-accept-encoding',
  'grpc-encoding',
  'grpc-timeout',
  'te',
]);
const LEGAL_NAME = /^[0-9a-z_.-]+$/;

export type MetadataValues = Map<string, MetadataValue[]>;

/** What a request's fields say to handlers. Fields that gRPC does not allow are left out, as grpc-js does. */
export function metadataValues(fields: readonly HeaderField[]): MetadataValues {
  const values: MetadataValues = new Map();
  for (const { name, value, printable } of fields) {
    if (!printable || TRANSPORT_FIELDS.has(name) || !LEGAL_NAME.test(name)) continue;
    const list = values.get(name);
    if (name.endsWith('-bin')) {
      // Several values may be joined by commas, which base64 does not use.
      const decoded = value.split(',').map((part) => Buffer.from(part, 'base64'));
      if (list === undefined) values.set(name, decoded);
      else list.push(...decoded);
    } else if (list === undefined) {
      values.set(name, [value]);
    } else {
      list.push(value);
    }
  }
  return values;
}

/**
 * A request's metadata. Calls with equal fields share the values; one that changes them gets its own first.
 */
export class RequestMetadata extends Metadata {
  private shared = true;

  constructor(values: MetadataValues) {
    super();
    this.internalRepr = values;
  }

  override set(key: string, value: MetadataValue): void {
    this.own();
    super.set(key, value);
  }

  override add(key: string, value: MetadataValue): void {
    this.own();
    super.add(key, value);
  }

  override remove(key: string): void {
    this.own();
    super.remove(key);
  }

  override merge(other: Metadata): void {
    this.own();
    super.merge(other);
  }

  private own(): void {
    if (!this.shared) return;
    this.shared = false;
    const values: MetadataValues = new Map();
    for (const [key, list] of this.internalRepr) values.set(key, [...list]);
    this.internalRepr = values;
  }
}

/** The fields that send a handler's metadata; binary values as base64 without padding. */
export function metadataFields(metadata: Metadata): FieldPair[] {
  const fields: FieldPair[] = [];
  for (const [name, values] of Object.entries(metadata.toJSON())) {
    if (name.startsWith(':')) continue;
    for (const value of values) {
      const text =
        typeof value === 'string' ? value.trim() : value.toString('base64').replace(/=+$/, '');
      fields.push([name, text]);
    }
  }
  return fields;
}
