/**
 * Messages of a topic by the time at which they were stored, page by page: queue after queue, each in order. A
 * page goes on where the one before has ended, whatever was sent meanwhile: `scroll_id` is BROKER/QUEUE/OFFSET.
 */
import type { FoundMessage } from '../../api/message-search';
import type { PullResult } from '../../api/offset-api';
import { MATCH_ALL } from '../../message/filter';
import { readRecord } from '../../message/record';
import { storeTimestampOf } from '../../message/record-property';
import { Code, StatusError } from '../../message/status';
import type { ProxyParts } from '../parts';

/** Messages of one pull. */
const MAX_PULLED = 32;
/** Bytes of all messages of a page; the first is given whatever its length. */
const MAX_PAGE_BYTES = 32 * 1024 * 1024;

export interface PageRequest {
  /** Store times, milliseconds, both ends included. */
  readonly beginMs: number;
  readonly endMs: number;
  readonly maxMessages: number;
  /** '' for the first page. */
  readonly scrollId: string;
  /** '' for all. */
  readonly broker: string;
  readonly queueId: number | undefined;
}

export interface Page {
  readonly messages: readonly FoundMessage[];
  /** '' behind the last one. */
  readonly scrollId: string;
}

interface Place {
  readonly broker: string;
  readonly queueId: number;
}

interface Progress {
  readonly messages: FoundMessage[];
  bytes: number;
}

/** @throws StatusError TOPIC_NOT_FOUND, BAD_REQUEST (no scroll_id of this topic) */
export async function pageByTime(
  parts: ProxyParts,
  topic: string,
  request: PageRequest,
): Promise<Page> {
  const places = parts.routes
    .get(topic)
    .brokers.flatMap(({ brokerName: broker, queues }) =>
      Array.from({ length: queues }, (_, queueId) => ({ broker, queueId })),
    )
    .filter(({ broker }) => request.broker === '' || request.broker === broker)
    .filter(({ queueId }) => request.queueId === undefined || request.queueId === queueId);
  const start = startOf(places, request.scrollId);
  const page: Progress = { messages: [], bytes: 0 };
  let offset = start.offset;
  for (const place of places.slice(start.index)) {
    const next = await readQueue(parts, topic, place, offset, request, page);
    if (next !== undefined) {
      return { messages: page.messages, scrollId: `${place.broker}/${place.queueId}/${next}` };
    }
    offset = undefined;
  }
  return { messages: page.messages, scrollId: '' };
}

/** @returns where the queue goes on when the page is full; `undefined` when nothing of it is left */
async function readQueue(
  { pool }: ProxyParts,
  topic: string,
  { broker, queueId }: Place,
  from: number | undefined,
  { beginMs, endMs, maxMessages }: PageRequest,
  page: Progress,
): Promise<number | undefined> {
  const { offsets } = pool.get(broker);
  const policy = { at: 'time', timeMs: beginMs } as const;
  let offset = from ?? (await offsets.query({ topic, queueId, policy }));
  for (;;) {
    const pulled: PullResult | undefined = await offsets.pull(
      {
        ...{ group: '', clientId: '', topic, queueId, offset, filter: MATCH_ALL, pollMs: 0 },
        maxMessages: MAX_PULLED,
      },
      new AbortController().signal,
    );
    if (pulled === undefined || pulled.nextOffset === offset) return undefined;
    for (const record of pulled.records) {
      if (storeTimestampOf(record) > endMs) return undefined;
      const { length, bytes } = { length: page.messages.length, bytes: page.bytes };
      const full = length >= maxMessages || (length > 0 && bytes + record.length > MAX_PAGE_BYTES);
      if (full) return readRecord(record, 0).queueOffset;
      page.messages.push({ broker, record });
      page.bytes += record.length;
    }
    offset = pulled.nextOffset;
  }
}

function startOf(
  places: readonly Place[],
  scrollId: string,
): { readonly index: number; readonly offset: number | undefined } {
  if (scrollId === '') return { index: 0, offset: undefined };
  const [, broker, queueId, offset] = /^(.+)\/(\d{1,5})\/(\d{1,15})$/.exec(scrollId) ?? [];
  const index = places.findIndex(
    (place) => place.broker === broker && place.queueId === Number(queueId),
  );
  if (index >= 0) return { index, offset: Number(offset) };
  throw new StatusError(Code.BAD_REQUEST, `scroll_id ${scrollId} is none of this search`);
}
