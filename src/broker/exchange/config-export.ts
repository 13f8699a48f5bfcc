/**
 * Keeps config/*.json as Apache RocketMQ would have written them, so that it can open the directory:
 * views of what the log holds, never ahead of it, written at most once a minute and at stop.
 */
import type { Logger } from 'pino';
import { LEDGER_TOPIC, META_TOPIC, TIMER_TOPIC } from '../../message/names';
import type { Platform, TimerHandle } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { Metadata } from '../metadata';
import type { LedgerBook } from '../pop/ledger-book';
import type { LedgerLog } from '../pop/ledger-log';
import type { TransactionView } from '../transaction/transaction-view';
import { printTables, type JsonObject, type JsonValue } from './apache-json';
import {
  groupEntry,
  isApachesGroup,
  isApachesTopic,
  nextVersion,
  objectIn,
  systemTopicEntry,
  topicAndGroup,
  topicEntry,
} from './apache-shapes';
import {
  CONFIG_FILES,
  hashOfText,
  writeNote,
  type ConfigFiles,
  type ConfigName,
  type ExchangeNote,
} from './config-files';
import { exportScanner } from './scanner-offsets';

/** Between two exports. */
const EXPORT_MS = 60_000;
/** Entries of a file that are made before the event loop gets its turn. */
const ENTRIES_A_TURN = 500;

export interface ExportParts {
  readonly directory: string;
  readonly files: ConfigFiles;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly store: MessageStore;
  readonly metadata: Metadata;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly transactions: TransactionView;
}

/** The three files as they are on disk. */
export type ConfigTables = Record<(typeof CONFIG_FILES)[number], JsonObject>;

export class ConfigExport {
  private timer: TimerHandle | undefined;
  private running: Promise<void> | undefined;
  private written = '';
  private stopped = false;

  private readonly damaged: Set<ConfigName>;

  /**
   * @param tables what the files hold now; changed by each export
   * @param damaged files that cannot be read: written anew by the next export, whatever they should hold
   */
  constructor(
    private readonly parts: ExportParts,
    private note: ExchangeNote,
    private readonly tables: ConfigTables,
    damaged: readonly ConfigName[] = [],
  ) {
    this.damaged = new Set(damaged);
  }

  /** Begins to look once a minute whether something has changed. */
  start(): void {
    this.timer = this.parts.platform.timers.after(EXPORT_MS, () => {
      this.running = this.exportIfChanged()
        .catch((error: unknown) => {
          this.parts.logger.error({ err: error }, 'config/*.json not written');
        })
        .finally(() => {
          this.running = undefined;
          if (!this.stopped) this.start();
        });
    });
  }

  /** Ends a takeover: what another program has left need not be looked at again. */
  async settle(): Promise<void> {
    const { directory, platform } = this.parts;
    await writeNote(directory, platform.files, this.note);
  }

  /** Looks no more; resolves when nothing is being written. */
  async end(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.running;
  }

  /**
   * Writes the last state; the broker changes nothing any more.
   * @param handedOver see `ExchangeNote.handedOver`; as before when absent
   */
  async stop(handedOver = this.note.handedOver): Promise<void> {
    await this.end();
    this.note = { ...this.note, handedOver };
    if (this.parts.store.failure === undefined) await this.export();
  }

  private async exportIfChanged(): Promise<void> {
    if (this.written !== this.state) await this.export();
  }

  /** Another one whenever something has changed that the files tell of. */
  private get state(): string {
    const { metadata, log, transactions } = this.parts;
    return `${metadata.changes} ${log.bytes} ${transactions.bytes}`;
  }

  /** Writes all files that differ from what is on disk. */
  async export(): Promise<void> {
    const { metadata, log, store, transactions } = this.parts;
    const written = this.state;
    const offsets = await this.offsets();
    const scannedEnd = await exportScanner(store, transactions, offsets);
    const next: ConfigTables = {
      'topics.json': await this.topics(),
      'subscriptionGroup.json': await this.groups(),
      'consumerOffset.json': this.offsetFile(offsets),
    };
    // Never ahead of the log: what the files say must be in it, whatever happens next.
    await metadata.settled();
    await log.durable();
    await store.durable(scannedEnd);
    const texts = new Map<ConfigName, string>();
    for (const name of CONFIG_FILES) {
      const text = await this.changed(name, next[name]);
      if (text !== undefined) texts.set(name, text);
    }
    await this.write(texts, store.visible);
    this.written = written;
  }

  private async write(texts: ReadonlyMap<ConfigName, string>, end: number): Promise<void> {
    const { directory, platform, files } = this.parts;
    const before = { ...this.note.hashes };
    const after: Record<string, readonly string[]> = { ...before };
    const either: Record<string, readonly string[]> = { ...before };
    for (const [name, text] of texts) {
      const hash = hashOfText(text);
      after[name] = [hash];
      either[name] = [...(before[name] ?? ['-']), hash];
    }
    const fromBeginning = [...this.parts.metadata.groups.values()]
      .filter(({ startFrom }) => startFrom === 'beginning')
      .map(({ name }) => name);
    // First that they are about to change, so that a crash between does not look like another program.
    if (texts.size > 0)
      await writeNote(directory, platform.files, {
        ...this.note,
        fromBeginning,
        end,
        hashes: either,
      });
    for (const [name, text] of texts) {
      await files.replace(name, text, !this.damaged.has(name));
      this.damaged.delete(name);
    }
    this.note = { ...this.note, fromBeginning, end, hashes: after };
    await writeNote(directory, platform.files, this.note);
  }

  /** The text of a file with a version of its own, `undefined` when it says what is on disk already. */
  private async changed(
    name: (typeof CONFIG_FILES)[number],
    next: JsonObject,
  ): Promise<string | undefined> {
    const turn = (): Promise<void> => this.turn();
    const version = objectIn(this.tables[name], 'dataVersion');
    next.set('dataVersion', version);
    const before = sorted(this.tables[name]);
    const after = sorted(next);
    const same = (await printTables(after, turn)) === (await printTables(before, turn));
    if (!this.damaged.has(name) && same && version.size > 0) return undefined;
    after.set('dataVersion', nextVersion(version, this.parts.platform.clock.wallMs()));
    this.tables[name] = after;
    return printTables(after, turn);
  }

  private async topics(): Promise<JsonObject> {
    const { topics } = this.parts.metadata;
    const before = objectIn(this.tables['topics.json'], 'topicConfigTable');
    const table: JsonObject = new Map();
    for (const [name, entry] of before) {
      if (isApachesTopic(String(name), before)) table.set(name, entry);
    }
    for (const name of [META_TOPIC, LEDGER_TOPIC, TIMER_TOPIC])
      table.set(name, systemTopicEntry(name));
    await this.each(topics.values(), (topic) => {
      table.set(topic.name, topicEntry(topic, objectIn(before, topic.name)));
    });
    return laid('topics.json', this.tables, 'topicConfigTable', table);
  }

  private async groups(): Promise<JsonObject> {
    const before = objectIn(this.tables['subscriptionGroup.json'], 'subscriptionGroupTable');
    const table: JsonObject = new Map();
    for (const [name, entry] of before) if (isApachesGroup(String(name))) table.set(name, entry);
    await this.each(this.parts.metadata.groups.values(), (group) => {
      table.set(group.name, groupEntry(group, objectIn(before, group.name)));
    });
    const next = laid('subscriptionGroup.json', this.tables, 'subscriptionGroupTable', table);
    if (!next.has('forbiddenTable')) next.set('forbiddenTable', new Map());
    return next;
  }

  /** Offsets of Apache's own groups and topics stay; all others are those of the ledgers. */
  private async offsets(): Promise<JsonObject> {
    const { book, metadata } = this.parts;
    const before = objectIn(this.tables['consumerOffset.json'], 'offsetTable');
    const table: JsonObject = new Map();
    for (const [key, entry] of before) {
      const names = topicAndGroup(String(key));
      if (names !== undefined && !metadata.topics.has(names.topic)) table.set(key, entry);
      else if (names !== undefined && isApachesGroup(names.group)) table.set(key, entry);
    }
    await this.each(book.all(), (ledgers) => {
      const queues = metadata.topics.get(ledgers.topic)?.queues ?? 0;
      const entry: JsonObject = new Map();
      // Queues that nobody has looked at yet begin at 0; unnamed ones would begin at their end.
      for (let queueId = 0; queueId < queues; queueId++) {
        entry.set(queueId, ledgers.queues.get(queueId)?.committed ?? 0);
      }
      table.set(`${ledgers.topic}@${ledgers.group}`, entry);
    });
    return table;
  }

  private offsetFile(table: JsonObject): JsonObject {
    const next = laid('consumerOffset.json', this.tables, 'offsetTable', table);
    next.set('groupTopicMap', groupTopics(table));
    if (!next.has('pullOffsetTable')) next.set('pullOffsetTable', new Map());
    return next;
  }

  private async each<T>(items: Iterable<T>, visit: (item: T) => void): Promise<void> {
    let count = 0;
    for (const item of [...items]) {
      visit(item);
      if (++count % ENTRIES_A_TURN === 0) await this.turn();
    }
  }

  private turn(): Promise<void> {
    return new Promise((resolve) => this.parts.platform.timers.nextTurn(resolve));
  }
}

/** The members of a file as Apache orders them. */
function sorted(file: JsonObject): JsonObject {
  return new Map([...file].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}

/** A file's object with one of its tables replaced. */
function laid(
  name: (typeof CONFIG_FILES)[number],
  tables: ConfigTables,
  member: string,
  table: JsonObject,
): JsonObject {
  const before = tables[name];
  return new Map<string | number, JsonValue>([
    ['dataVersion', objectIn(before, 'dataVersion')],
    ...[...before].filter(([key]) => key !== 'dataVersion' && key !== member),
    [member, table],
  ]);
}

function groupTopics(table: JsonObject): JsonObject {
  const topics = new Map<string, string[]>();
  for (const key of table.keys()) {
    const names = topicAndGroup(String(key));
    if (names === undefined) continue;
    const known = topics.get(names.group);
    if (known === undefined) topics.set(names.group, [names.topic]);
    else known.push(names.topic);
  }
  return topics;
}
