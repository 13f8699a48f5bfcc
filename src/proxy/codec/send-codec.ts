/** SendMessageRequest and SendMessageResponse. */
import type { IncomingMessage } from '../../message/public-message';
import { readIncomingMessage } from '../../message/wire/incoming-message';
import { tagOf, WireReader, WireType } from '../../message/wire/wire-reader';
import type { PublicStatus } from '../calls';
import { writer, writeStatus } from './status-codec';

const MESSAGES = tagOf(1, WireType.BYTES);

/** The request, with what counts of its messages. Bodies are views of the request's bytes. */
export interface SendMessageCall {
  readonly messages: readonly IncomingMessage[];
}

export interface SendResultEntry {
  readonly status: PublicStatus;
  readonly message_id?: string;
  readonly transaction_id?: string;
  readonly offset?: number;
  readonly recall_handle?: string;
}

export interface SendMessageAnswer {
  readonly status: PublicStatus;
  /** None when the call as a whole failed. */
  readonly entries?: readonly SendResultEntry[];
}

/** @throws RangeError when the bytes are no message */
export function readSendMessage(bytes: Buffer): SendMessageCall {
  const reader = new WireReader(bytes);
  const messages: IncomingMessage[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === MESSAGES) messages.push(readIncomingMessage(reader));
    else reader.skip(tag);
  }
  return { messages };
}

export function writeSendMessageAnswer({ status, entries = [] }: SendMessageAnswer): Buffer {
  for (let i = entries.length - 1; i >= 0; i--) {
    const entry = entries[i];
    if (entry === undefined) continue;
    const before = writer.length;
    writer.string(5, entry.recall_handle ?? '');
    writer.number(4, entry.offset ?? 0);
    writer.string(3, entry.transaction_id ?? '');
    writer.string(2, entry.message_id ?? '');
    writeStatus(1, entry.status);
    writer.endBytes(2, before);
  }
  writeStatus(1, status);
  return writer.take();
}
