/**
 * gantry/deleted-topics.json: where the log ended when a topic was deleted. When ConsumeQueues are
 * built from the log, records of the topic below that position belong to the deleted one, not to a
 * later topic of the same name:
 *
 *     {"topics":{"orders":73400320}}
 */
import type { Files } from '../platform/platform';
import { keepTwice, readKept } from './kept-twice';
import type { Layout } from './layout';
import type { DeletedTopic } from './replicated-log';

export class DeletedTopics {
  private constructor(
    private readonly files: Files,
    private readonly path: string,
    private readonly positions: Map<string, number>,
  ) {}

  /** @throws Error when the file is there and is not what it should be: guessing would bring deleted messages back. */
  static async open(files: Files, layout: Layout): Promise<DeletedTopics> {
    const path = layout.deletedTopics;
    const text = await readKept(files, path);
    const positions = text === undefined ? new Map<string, number>() : parse(text, path);
    return new DeletedTopics(files, path, positions);
  }

  /** Position below which records of `topic` are those of a deleted topic; 0 when there are none. */
  position(topic: string): number {
    return this.positions.get(topic) ?? 0;
  }

  get topics(): string[] {
    return [...this.positions.keys()];
  }

  /** All deletions. */
  get all(): readonly DeletedTopic[] {
    return [...this.positions].map(([topic, position]) => ({ topic, position }));
  }

  /** Notes a deletion; durable when it resolves. */
  async add(topic: string, position: number): Promise<void> {
    this.positions.set(topic, position);
    await this.save();
  }

  /** Forgets deletions below the log's first byte: no record of those topics is left. */
  async forgetBelow(logStart: number): Promise<void> {
    const before = this.positions.size;
    for (const [topic, position] of this.positions) {
      if (position <= logStart) this.positions.delete(topic);
    }
    if (this.positions.size < before) await this.save();
  }

  /** Takes back deletions that lie beyond `position`, where the log is cut. @returns whether there were any */
  async forgetAbove(position: number): Promise<boolean> {
    const before = this.positions.size;
    for (const [topic, at] of this.positions) if (at > position) this.positions.delete(topic);
    if (this.positions.size === before) return false;
    await this.save();
    return true;
  }

  /** Notes other deletions than those known; durable when it resolves. */
  async replace(topics: readonly DeletedTopic[]): Promise<void> {
    this.positions.clear();
    for (const { topic, position } of topics) this.positions.set(topic, position);
    await this.save();
  }

  private save(): Promise<void> {
    const text = JSON.stringify({ topics: Object.fromEntries(this.positions) });
    return keepTwice(this.files, this.path, text);
  }
}

function parse(text: string, path: string): Map<string, number> {
  const damaged = (): Error => new Error(`${path} is damaged: ${text.slice(0, 100)}`);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw damaged();
  }
  if (typeof content !== 'object' || content === null || !('topics' in content)) throw damaged();
  const { topics } = content;
  if (typeof topics !== 'object' || topics === null) throw damaged();
  const positions = new Map<string, number>();
  for (const [topic, position] of Object.entries(topics)) {
    if (typeof position !== 'number' || !Number.isSafeInteger(position)) throw damaged();
    positions.set(topic, position);
  }
  return positions;
}
