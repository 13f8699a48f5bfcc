/**
 * Reading and replacing `config/NAME`. A new file is staged in `gantry/`, synced and renamed, the one
 * before becomes `NAME.bak`: after a crash there is the old file or the new one, whole.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Files } from '../../platform/platform';
import { writeDurably } from '../../store/atomic-file';
import { keepTwice, readKept } from '../../store/kept-twice';
import { parseApacheJson, type JsonObject } from './apache-json';

/** The files that both sides write. */
export const CONFIG_FILES = [
  'topics.json',
  'subscriptionGroup.json',
  'consumerOffset.json',
] as const;
export type ConfigName =
  (typeof CONFIG_FILES)[number] | 'consumerOrderInfo.json' | 'delayOffset.json';

export class ConfigFiles {
  private readonly folder: string;

  constructor(
    private readonly directory: string,
    private readonly files: Files,
    private readonly logger: Logger,
  ) {
    this.folder = join(directory, 'config');
  }

  /**
   * The content of a file; that of its `.bak` when it is absent or damaged; `undefined` when there is
   * neither.
   * @throws Error when one is there and none can be read: to go on would lose what it says
   */
  async read(name: ConfigName): Promise<JsonObject | undefined> {
    let damage: unknown;
    for (const candidate of [name, `${name}.bak`]) {
      const bytes = await this.files.readFile(join(this.folder, candidate));
      if (bytes === undefined || bytes.length === 0) continue;
      try {
        const value = parseApacheJson(bytes.toString('utf8'));
        if (value instanceof Map) return value;
        throw new SyntaxError('no object');
      } catch (error) {
        this.logger.warn({ err: error, file: candidate }, 'config file not readable');
        damage ??= error;
      }
    }
    if (damage === undefined) return undefined;
    const reason = damage instanceof Error ? damage.message : 'damaged';
    throw new Error(
      `config/${name} cannot be read (${reason}), and there is no config/${name}.bak that can: ` +
        'mend it, or remove it to go on without what it said',
      { cause: damage },
    );
  }

  /** Replaces a file, and keeps the one before as `.bak` if wanted; durable when it resolves. */
  async replace(name: ConfigName, text: string, keepBefore = true): Promise<void> {
    const { files, folder } = this;
    await files.makeDirectory(folder);
    const path = join(folder, name);
    const before = keepBefore ? await files.readFile(path) : undefined;
    if (before !== undefined) await this.put(`${path}.bak`, before);
    await this.put(path, Buffer.from(text));
    await files.syncDirectory(folder);
    await files.syncDirectory(this.directory);
  }

  /** Whether a file is there and cannot be read: damaged, which no program leaves behind. */
  async isDamaged(name: ConfigName): Promise<boolean> {
    const bytes = await this.files.readFile(join(this.folder, name));
    if (bytes === undefined) return false;
    try {
      return !(parseApacheJson(bytes.toString('utf8')) instanceof Map);
    } catch {
      return true;
    }
  }

  /** SHA-256 of a file's bytes, `-` when there is none. */
  async hashOf(name: ConfigName): Promise<string> {
    const bytes = await this.files.readFile(join(this.folder, name));
    return bytes === undefined ? '-' : hashOfText(bytes);
  }

  private async put(path: string, data: Buffer): Promise<void> {
    const staged = join(this.directory, 'gantry', 'config.new');
    await writeDurably(this.files, staged, data);
    await this.files.rename(staged, path);
  }
}

export function hashOfText(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What both sides' files were when we wrote them last: `gantry/exchange.json`. */
export interface ExchangeNote {
  /** Records of our own topics below this position of the log do not count. */
  readonly foreignEnd: number;
  /** How often a directory was taken over from another program; the generation of ledgers made then. */
  readonly imports: number;
  /** The log's end when the files were written. */
  readonly end: number;
  /** By file the hashes that it may have: of what it holds, or is about to. */
  readonly hashes: Readonly<Record<string, readonly string[]>>;
  /** Groups that begin at the start of a topic: Apache's files cannot say it. */
  readonly fromBeginning: readonly string[];
  /** Delayed messages that waited below this position of the log are in the files of Apache's timer. */
  readonly handedOver: number;
}

const NOTE = join('gantry', 'exchange.json');

/** The note; `undefined` when there is none that can be read. */
export async function readNote(directory: string, files: Files): Promise<ExchangeNote | undefined> {
  try {
    const text = await readKept(files, join(directory, NOTE));
    if (text === undefined) return undefined;
    const note = JSON.parse(text) as Partial<ExchangeNote>;
    const { foreignEnd = 0, imports = 0, end = 0, handedOver = 0 } = note;
    const { hashes = {}, fromBeginning = [] } = note;
    return { foreignEnd, imports, end, hashes, fromBeginning, handedOver };
  } catch {
    return undefined;
  }
}

export function writeNote(directory: string, files: Files, note: ExchangeNote): Promise<void> {
  return keepTwice(files, join(directory, NOTE), JSON.stringify(note));
}
