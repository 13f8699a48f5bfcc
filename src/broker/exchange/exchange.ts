/**
 * Exchanging the directory with Apache RocketMQ: whether another program has had it since we did, what
 * is taken over from it, and what is left for it. docs/migration.md says what an operator sees.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { Metadata } from '../metadata';
import type { LedgerBook } from '../pop/ledger-book';
import type { LedgerLog } from '../pop/ledger-log';
import type { Timer } from '../timer/timer';
import type { TransactionView } from '../transaction/transaction-view';
import type { Views } from '../views';
import type { JsonObject } from './apache-json';
import { objectIn } from './apache-shapes';
import { ConfigExport, type ConfigTables } from './config-export';
import {
  CONFIG_FILES,
  ConfigFiles,
  readNote,
  type ConfigName,
  type ExchangeNote,
} from './config-files';
import { importConfigs } from './config-import';
import { exportDelays } from './delay-export';
import { importDelays } from './delay-import';
import { importOrder } from './order-import';
import { importHeld } from './pop-import';
import { importTransactions } from './transaction-import';

export interface ExchangeParts {
  readonly directory: string;
  readonly platform: Platform;
  readonly logger: Logger;
  readonly store: MessageStore;
  readonly metadata: Metadata;
  readonly book: LedgerBook;
  readonly log: LedgerLog;
  readonly views: Views;
  readonly transactions: TransactionView;
  /** See `BrokerSettings.maxWindow`. */
  readonly maxWindow: number;
}

const ORDER_FILE = 'consumerOrderInfo.json';

const NO_NOTE: ExchangeNote = {
  foreignEnd: 0,
  imports: 0,
  end: 0,
  hashes: {},
  fromBeginning: [],
  handedOver: 0,
};

export class Exchange {
  private readonly configs: ConfigExport;

  private constructor(
    private readonly parts: ExchangeParts,
    private readonly files: ConfigFiles,
    private readonly found: Found,
  ) {
    this.configs = new ConfigExport({ ...parts, files }, found.note, found.tables, found.damaged);
  }

  /**
   * Fills metadata, ledgers and transactions: from our own log, or, when another program has had the directory,
   * from what it has left.
   * @throws Error when a config file cannot be read
   */
  static async open(parts: ExchangeParts): Promise<Exchange> {
    const { directory, platform, logger, store, views } = parts;
    const files = new ConfigFiles(directory, platform.files, logger);
    const known = await readNote(directory, platform.files);
    const note = known ?? NO_NOTE;
    const hashes = await hashesOf(files);
    const present = Object.values(hashes).some(([hash]) => hash !== '-');
    const damaged: ConfigName[] = [];
    for (const name of CONFIG_FILES) if (await files.isDamaged(name)) damaged.push(name);
    const whole = CONFIG_FILES.filter((name) => !damaged.includes(name));
    const foreign =
      store.visited || (known === undefined ? present : changed(known, hashes, whole));
    const tables = await readTables(files);
    const found = { note, tables, damaged, takenOver: foreign && present };
    if (found.takenOver) {
      const after = await takeOver(parts, files, tables, note, hashes);
      return new Exchange(parts, files, { ...found, note: after });
    }
    await views.load(note.foreignEnd);
    return new Exchange(parts, files, found);
  }

  /** Takes over what waits for its time as well, and begins to keep config/*.json up to date. */
  async start(timer: Timer): Promise<void> {
    const { platform, directory, logger } = this.parts;
    const { takenOver, note } = this.found;
    if (takenOver) {
      const levels = objectIn(await this.files.read('delayOffset.json'), 'offsetTable');
      const { handedOver } = note;
      const delays = await importDelays({ ...this.delayParts(timer), handedOver, levels });
      logger.warn(delays, 'delayed messages taken over from another program');
      await this.configs.settle();
      await this.forgetOrder();
    }
    await platform.files.remove(join(directory, 'abort.bak'));
    this.configs.start();
  }

  /** Writes nothing any more. */
  async end(): Promise<void> {
    await this.configs.end();
  }

  /** Leaves all for another program; the broker changes nothing any more. */
  async stop(timer: Timer): Promise<void> {
    if (this.parts.store.failure !== undefined) return this.configs.stop();
    const configs = this.files;
    const handedOver = await exportDelays({ ...this.delayParts(timer), configs }).catch(
      (err: unknown) => {
        this.parts.logger.error({ err }, 'delayed messages not handed over');
        return undefined;
      },
    );
    await this.configs.stop(handedOver);
  }

  /** What ordered pops hold is in our ledgers from now on: Apache begins at the group's offset again. */
  private async forgetOrder(): Promise<void> {
    const orders = objectIn(await this.files.read(ORDER_FILE), 'table');
    if (orders.size > 0) await this.files.replace(ORDER_FILE, '{"table":{}}');
  }

  private delayParts(
    timer: Timer,
  ): Omit<Parameters<typeof importDelays>[0], 'handedOver' | 'levels'> {
    const { store, directory, platform } = this.parts;
    return { store, directory, timer, files: platform.files, clock: platform.clock };
  }
}

/** What was there at the start. */
interface Found {
  readonly note: ExchangeNote;
  readonly tables: ConfigTables;
  readonly damaged: readonly ConfigName[];
  /** Whether another program has had the directory. */
  readonly takenOver: boolean;
}

async function takeOver(
  parts: ExchangeParts,
  files: ConfigFiles,
  tables: ConfigTables,
  before: ExchangeNote,
  hashes: ExchangeNote['hashes'],
): Promise<ExchangeNote> {
  const { platform, store, metadata, views, transactions, logger } = parts;
  const foreignEnd = store.visible;
  const imports = before.imports + 1;
  const imported = importConfigs(parts, tables, new Set(before.fromBeginning), imports);
  const nowMs = platform.clock.wallMs();
  const held = await importHeld(parts, tables, nowMs);
  const isFifo = (group: string): boolean => metadata.groups.get(group)?.fifo ?? false;
  const orders = objectIn(await files.read(ORDER_FILE), 'table');
  const heldInOrder = await importOrder({ ...parts, isFifo }, orders, nowMs);
  const offsets = objectIn(tables['consumerOffset.json'], 'offsetTable');
  const pending = await importTransactions(store, transactions, offsets);
  logger.warn(
    { ...imported, held, heldInOrder, transactions: pending, position: foreignEnd },
    'another program has had the directory: topics, groups and offsets are taken from config/*.json',
  );
  await views.snapshot();
  return { ...before, foreignEnd, imports, end: foreignEnd, hashes };
}

async function readTables(files: ConfigFiles): Promise<ConfigTables> {
  const empty = (): JsonObject => new Map();
  return {
    'topics.json': (await files.read('topics.json')) ?? empty(),
    'subscriptionGroup.json': (await files.read('subscriptionGroup.json')) ?? empty(),
    'consumerOffset.json': (await files.read('consumerOffset.json')) ?? empty(),
  };
}

async function hashesOf(files: ConfigFiles): Promise<Record<string, readonly string[]>> {
  const hashes: Record<string, readonly string[]> = {};
  for (const name of CONFIG_FILES) hashes[name] = [await files.hashOf(name)];
  return hashes;
}

/** Whether one of the files is another than any that we have written or were about to write. */
function changed(
  note: ExchangeNote,
  hashes: ExchangeNote['hashes'],
  names: readonly ConfigName[],
): boolean {
  return names.some((name) => {
    const [now = '-'] = hashes[name] ?? [];
    return !(note.hashes[name] ?? ['-']).includes(now);
  });
}
