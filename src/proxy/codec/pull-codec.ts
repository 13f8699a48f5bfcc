/** The items of the answer to PullMessage; messages are encoded as those of ReceiveMessage. */
import type { PublicStatus } from '../calls';
import type { EncodedItem } from './receive-codec';
import { writer, writeStatus } from './status-codec';

/** Where the client's next pull goes on. */
export interface NextOffset {
  readonly next_offset: number;
}

export type PullMessageItem = { readonly status: PublicStatus } | NextOffset | EncodedItem;

/** Hot path. */
export function writePullMessageItem(item: PullMessageItem): Buffer {
  if ('encoded' in item) return item.encoded;
  if ('status' in item) writeStatus(1, item.status);
  else writer.numberAlways(3, item.next_offset);
  return writer.take();
}
