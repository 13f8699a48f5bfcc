/**
 * Recall handles: what SendMessage answers for a delayed message and RecallMessage takes. URL-safe base64 with
 * padding of
 *
 *     v1 SPACE topic SPACE brokerName SPACE deliveryMs SPACE messageId
 *
 * It says nothing that the producer does not know, and is good at any proxy and after any restart.
 */
export interface RecallHandle {
  readonly topic: string;
  readonly brokerName: string;
  /** The delivery time, wall clock ms. */
  readonly deliverMs: number;
  readonly messageId: string;
}

/** Longer texts are no handles of ours. */
const MAX_CHARS = 16_384;
const TEXT = /^v1 (\S+) (\S+) ([1-9][0-9]{0,15}) (.+)$/s;

export function formatRecallHandle(handle: RecallHandle): string {
  const { topic, brokerName, deliverMs, messageId } = handle;
  const text = `v1 ${topic} ${brokerName} ${deliverMs} ${messageId}`;
  return Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** `undefined` for a text that is no recall handle. */
export function parseRecallHandle(text: string): RecallHandle | undefined {
  if (text.length > MAX_CHARS || !/^[A-Za-z0-9_-]+={0,2}$/.test(text)) return undefined;
  const match = TEXT.exec(Buffer.from(text, 'base64url').toString('utf8'));
  if (match === null) return undefined;
  const [, topic = '', brokerName = '', due = '', messageId = ''] = match;
  const deliverMs = Number(due);
  return Number.isSafeInteger(deliverMs) ? { topic, brokerName, deliverMs, messageId } : undefined;
}
