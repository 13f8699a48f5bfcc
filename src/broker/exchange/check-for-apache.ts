/**
 * What Apache RocketMQ would do with a directory, and what it would not find in it: `gantry store check
 * --for apache`. docs/migration.md explains each line.
 */
import { join } from 'node:path';
import { DLQ_PREFIX, HALF_TOPIC, OP_TOPIC, RETRY_PREFIX, TIMER_TOPIC } from '../../message/names';
import { Property } from '../../message/properties';
import { recordProperties, type StoredRecord } from '../../message/record';
import { offsetsOfOp } from '../../message/transaction-records';
import type { Files } from '../../platform/platform';
import { parseIndexMark } from '../../store/index/index-mark';
import { Layout } from '../../store/layout';
import type { LogFacts } from '../../store/tools/file-checks';
import type { Report } from '../../store/tools/finding';
import { parseApacheJson } from './apache-json';
import { objectIn } from './apache-shapes';
import { readNote } from './config-files';

/** Segments that Apache looks through at its start, at most. */
export const APACHE_SEGMENTS = 10;
const APACHE_SEGMENT_BYTES = 1024 * 1024 * 1024;
const APACHE_QUEUE_FILE_ENTRIES = 300_000;
const APACHE_INDEX = { slots: 5_000_000, entries: 20_000_000 };
/** Names in one line. */
const NAMES_MAX = 5;

interface Damage {
  readonly from: number;
  readonly place: { readonly file: string; readonly at: number };
}

/** Looks at the records of a log, in its order, and says at the end what that means. */
export class ApacheReadiness {
  /** Queue offsets of half messages without a decision; the memory that this takes goes by their number. */
  private readonly halves = new Set<number>();
  /** Positions of delayed messages that wait. */
  private readonly waiting = new Set<number>();
  private readonly topics = new Set<string>();
  private readonly damages: Damage[] = [];

  constructor(
    private readonly files: Files,
    private readonly directory: string,
    private readonly report: Report,
  ) {}

  record(record: StoredRecord): void {
    const { topic, queueOffset } = record;
    this.topics.add(topic);
    if (topic === HALF_TOPIC) this.halves.add(queueOffset);
    else if (topic === OP_TOPIC) {
      for (const offset of offsetsOfOp(record)) this.halves.delete(offset);
    } else if (topic === TIMER_TOPIC || record.properties.includes(Property.DELAY_RECORD))
      this.delayed(record);
  }

  damage(from: number, place: { readonly file: string; readonly at: number }): void {
    this.damages.push({ from, place });
  }

  async end(facts: LogFacts): Promise<void> {
    this.tellDamage(facts);
    await this.tellAbort();
    await this.tellLengths(facts);
    await this.tellTopics();
    await this.tellUnfinished();
    await this.tellGroups();
  }

  private delayed(record: StoredRecord): void {
    const properties = recordProperties(record);
    const delivered = properties.get(Property.DELAY_RECORD);
    if (delivered !== undefined) this.waiting.delete(Number(delivered));
    if (record.topic !== TIMER_TOPIC) return;
    const ended = properties.get(Property.DELAY_ENDED);
    if (ended === undefined) this.waiting.add(record.physicalOffset);
    for (const position of ended?.split(' ')[2]?.split(',') ?? []) {
      this.waiting.delete(Number(position));
    }
    const rolled = properties.get(Property.DELAY_ROLLED);
    if (rolled !== undefined) this.waiting.delete(Number(rolled));
  }

  private tellDamage({ end, segmentBytes }: LogFacts): void {
    const last = Math.floor(Math.max(0, end - 1) / segmentBytes) * segmentBytes;
    const seen = last - (APACHE_SEGMENTS - 1) * segmentBytes;
    for (const { from, place } of this.damages) {
      const what =
        from >= seen
          ? `it cuts the log here and loses the ${end - from} bytes behind it: gantry store repair first`
          : 'damaged, and too far back for it to see: it fails where this is read';
      this.report({ kind: from >= seen ? 'wrong' : 'note', ...place, what: `Apache: ${what}` });
    }
  }

  private async tellAbort(): Promise<void> {
    if ((await this.files.stat(new Layout(this.directory).abort)) === undefined) return;
    this.note(
      'abort',
      'the broker was not stopped in an orderly way: it builds queues from the log, and topics, groups and ' +
        'offsets are as of the last export, up to a minute before',
    );
  }

  private async tellLengths({ segmentBytes, queueFileEntries }: LogFacts): Promise<void> {
    if (segmentBytes !== APACHE_SEGMENT_BYTES) {
      this.note('commitlog', `it needs mappedFileSizeCommitLog=${segmentBytes}`);
    }
    if (queueFileEntries !== APACHE_QUEUE_FILE_ENTRIES) {
      this.note('consumequeue', `it needs mappedFileSizeConsumeQueue=${queueFileEntries * 20}`);
    }
    const bytes = await this.files.readFile(new Layout(this.directory).indexMark);
    const mark = bytes && parseIndexMark(bytes);
    if (mark === undefined) return;
    const { slots, entries } = mark;
    if (slots === APACHE_INDEX.slots && entries === APACHE_INDEX.entries) return;
    this.note('index', `it needs maxHashSlotNum=${slots} and maxIndexNum=${entries}`);
  }

  private async tellTopics(): Promise<void> {
    const bytes = await this.files.readFile(join(this.directory, 'config', 'topics.json'));
    let known: ReadonlySet<string>;
    try {
      const table = objectIn(parseApacheJson(bytes?.toString('utf8') ?? '{}'), 'topicConfigTable');
      known = new Set([...table.keys()].map(String));
    } catch {
      // Told by the check of the file itself.
      return;
    }
    // It makes these by itself.
    const own = /^(rmq_sys_|RMQ_SYS_|SCHEDULE_TOPIC_XXXX$|TRANS_CHECK_MAX_TIME_TOPIC$)/;
    const missing = [...this.topics].filter(
      (topic) =>
        !known.has(topic) &&
        !own.test(topic) &&
        !topic.startsWith(RETRY_PREFIX) &&
        !topic.startsWith(DLQ_PREFIX),
    );
    if (missing.length === 0) return;
    const what = `it does not serve ${missing.length} topics of the log that are not in here: ${named(missing)}`;
    this.note('config/topics.json', what);
  }

  private async tellUnfinished(): Promise<void> {
    if (this.halves.size > 0) {
      const what = `${this.halves.size} transactions are pending: it asks their producers on`;
      this.note(`consumequeue/${HALF_TOPIC}/0`, what);
    }
    const handedOver = (await readNote(this.directory, this.files))?.handedOver ?? 0;
    const unknown = [...this.waiting].filter((position) => position >= handedOver).length;
    const known = this.waiting.size - unknown;
    if (known > 0) this.note('timerlog', `${known} delayed messages wait: it delivers them`);
    if (unknown === 0) return;
    const what = `${unknown} delayed messages wait that it does not know: start the broker and stop it first`;
    const file = `consumequeue/${TIMER_TOPIC}/0`;
    this.report({ kind: 'wrong', file, what: `Apache: ${what}` });
  }

  private async tellGroups(): Promise<void> {
    this.note(
      'config/consumerOffset.json',
      'what consumers hold, or have acknowledged behind a message that they hold, it delivers again, as a first attempt',
    );
    const groups = (await readNote(this.directory, this.files))?.fromBeginning ?? [];
    if (groups.length === 0) return;
    const what = `it does not know that new queues are read from their beginning by ${named(groups)}`;
    this.note('config/subscriptionGroup.json', what);
  }

  private note(file: string, what: string): void {
    this.report({ kind: 'note', file, what: `Apache: ${what}` });
  }
}

function named(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  const text = names.slice(0, NAMES_MAX).join(', ');
  return more > 0 ? `${text} and ${more} more` : text;
}
