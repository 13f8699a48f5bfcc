/**
 * gantry/empty-queues.json: where queues end whose messages retention has removed, all of them. When
 * ConsumeQueues are built from the log nothing else tells that their next offset is not 0:
 *
 *     {"queues":{"orders":{"0":1200,"3":1187}}}
 *
 * A note of a queue that has messages again means nothing.
 */
import type { Files } from '../platform/platform';
import { keepTwice, readKept } from './kept-twice';
import type { Layout } from './layout';

export interface EmptyQueue {
  readonly topic: string;
  readonly queueId: number;
  /** The offset that its next message gets. */
  readonly next: number;
}

export class EmptyQueues {
  private constructor(
    private readonly files: Files,
    private readonly path: string,
    private noted: readonly EmptyQueue[],
  ) {}

  /** @throws Error when the file is there and is not what it should be: offsets would be given out twice. */
  static async open(files: Files, layout: Layout): Promise<EmptyQueues> {
    const path = layout.emptyQueues;
    const text = await readKept(files, path);
    return new EmptyQueues(files, path, text === undefined ? [] : parse(text, path));
  }

  get all(): readonly EmptyQueue[] {
    return this.noted;
  }

  /** Notes all that are empty now; durable when it resolves. */
  async replace(queues: readonly EmptyQueue[]): Promise<void> {
    if (queues.length === 0 && this.noted.length === 0) return;
    const topics: Record<string, Record<string, number>> = {};
    for (const { topic, queueId, next } of queues) (topics[topic] ??= {})[queueId] = next;
    await keepTwice(this.files, this.path, JSON.stringify({ queues: topics }));
    this.noted = queues;
  }

  /** Forgets a deleted topic: a new one of that name begins at 0. */
  async forgetTopic(topic: string): Promise<void> {
    const others = this.noted.filter((queue) => queue.topic !== topic);
    if (others.length < this.noted.length) await this.replace(others);
  }
}

function parse(text: string, path: string): EmptyQueue[] {
  const damaged = (cause?: unknown): Error =>
    new Error(`${path} is damaged: ${text.slice(0, 100)}`, { cause });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw damaged(error);
  }
  const { queues } = (content ?? {}) as { queues?: unknown };
  if (typeof queues !== 'object' || queues === null) throw damaged();
  return Object.entries(queues).flatMap(([topic, ends]) =>
    Object.entries((ends ?? {}) as Record<string, unknown>).map(([id, next]) => {
      const queueId = Number(id);
      const right = Number.isSafeInteger(queueId) && Number.isSafeInteger(next);
      if (!right || typeof next !== 'number' || next < 0) throw damaged();
      return { topic, queueId, next };
    }),
  );
}
