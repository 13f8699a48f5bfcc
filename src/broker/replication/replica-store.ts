/**
 * The store of a replica and what lies beside its log: epochs, the store's id, the keys of receipt handles, where
 * the master's newest snapshot begins.
 *
 *     gantry/store-id.json   {"id":"5f0c..."}, made with the store and with each log that begins anew; kept twice
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { EpochStart, FreshStart } from '../../api/replication-api';
import type { Platform } from '../../platform/platform';
import { replaceFile } from '../../store/atomic-file';
import { beginAnew, cutStore, finishBeginning } from '../../store/cut-store';
import { EpochFile } from '../../store/epoch-file';
import { keepTwice, readKept } from '../../store/kept-twice';
import { Layout } from '../../store/layout';
import type { MessageStore } from '../../store/message-store';
import type { ReplicatedLog } from '../../store/replicated-log';
import { HANDLE_KEYS_FILE, loadHandleKeys } from '../pop/handle-keys';
import { forgetTimerBeyond } from '../timer/timer-checkpoint';
import { VIEWS_FILE } from '../view-replay';
import { epochsBelow } from './common-position';
import { WarmViews, type WarmViewSettings } from './warm-views';

const STORE_ID_FILE = 'store-id.json';
/** Replica ids and epochs apart, a store is known by so many random bytes. */
const ID_BYTES = 8;

export interface ReplicaStoreParts {
  readonly directory: string;
  readonly platform: Platform;
  readonly log: Logger;
  /** Opens the store in the directory. */
  readonly openStore: () => Promise<MessageStore>;
  readonly settings: WarmViewSettings;
}

export class ReplicaStore {
  private notedViews = -1;
  private noting: Promise<void> = Promise.resolve();
  private warm: WarmViews;

  private constructor(
    private readonly parts: ReplicaStoreParts,
    private opened: MessageStore,
    private epochFile: EpochFile,
    private id: string,
  ) {
    this.warm = new WarmViews({ ...parts, store: opened });
  }

  /** @throws as `openStore`; Error when a file beside the log is damaged */
  static async open(parts: ReplicaStoreParts): Promise<ReplicaStore> {
    await finishBeginning(parts);
    const store = await parts.openStore();
    try {
      const { files } = parts.platform;
      const epochs = await EpochFile.open(files, new Layout(parts.directory).epochs);
      return new ReplicaStore(parts, store, epochs, await storeIdOf(parts));
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  get store(): MessageStore {
    return this.opened;
  }

  /** What is learnt of the log while it is followed. */
  get warmViews(): WarmViews {
    return this.warm;
  }

  get log(): ReplicatedLog {
    return this.opened.replicated;
  }

  get storeId(): string {
    return this.id;
  }

  /** What is known of the log as it is. */
  get epochs(): readonly EpochStart[] {
    return epochsBelow(this.epochFile.lines, this.log.endPosition);
  }

  /** The highest epoch that was noted; 0 without one. */
  get newestEpoch(): number {
    return this.epochFile.lines.at(-1)?.epoch ?? 0;
  }

  /** Takes over a master's epochs, those of log that is still to come among them. Durable when it resolves. */
  async followEpochs(epochs: readonly EpochStart[]): Promise<void> {
    await this.epochFile.replace(epochs);
  }

  /**
   * Notes that an epoch begins at the end of the log; a log without epochs counts to it as a whole. Durable when
   * it resolves.
   * @throws RangeError when an epoch as high was noted before
   */
  async beginEpoch(epoch: number): Promise<void> {
    const { minPosition, endPosition } = this.log;
    const before = this.epochs.filter(({ start }) => start < endPosition);
    const newest = before.at(-1)?.epoch ?? 0;
    if (epoch <= newest) throw new RangeError(`epoch ${epoch} is not above ${newest}`);
    const start = before.length === 0 ? minPosition : endPosition;
    await this.epochFile.replace([...before, { epoch, start }]);
  }

  /** Closes the store and opens it again: nobody who listened to it hears of it any more. */
  async reopen(): Promise<void> {
    await this.close();
    await this.openAgain();
  }

  /** Cuts the log to what the master has as well, and with it all that was learnt from what goes. */
  async cut(position: number): Promise<void> {
    const { log, directory, platform } = this.parts;
    log.warn({ from: this.log.endPosition, to: position }, 'the log has diverged: it is cut');
    const { epochs } = this;
    await this.whileClosed(async () => {
      await this.forgetViews();
      await forgetTimerBeyond(platform.files, directory, position);
      await cutStore(this.parts, position);
      await this.epochFile.replace(epochs.filter(({ start }) => start < position));
    });
  }

  /** Gives up the log, and begins where the master's begins. */
  async beginAnew(fresh: FreshStart): Promise<void> {
    const { log, directory, platform } = this.parts;
    log.warn({ position: fresh.position }, 'the log is of no use any more: begins anew');
    await this.whileClosed(async () => {
      await this.forgetViews();
      await forgetTimerBeyond(platform.files, directory, -1);
      // Whoever takes this replica for in sync does not mean the store that it has now.
      await platform.files.remove(this.path(STORE_ID_FILE));
      await beginAnew(this.parts, fresh);
      this.epochFile = await EpochFile.open(platform.files, new Layout(directory).epochs);
      this.id = await storeIdOf(this.parts);
    });
  }

  /** Notes where the newest snapshot of the views begins, so that a takeover replays only what is behind. */
  async noteViews(begin: number): Promise<void> {
    if (begin === this.notedViews) return;
    this.notedViews = begin;
    const path = this.path(VIEWS_FILE);
    const noted = keepTwice(this.parts.platform.files, path, JSON.stringify({ begin }));
    this.noting = noted.catch(() => undefined);
    await noted;
  }

  /** Resolves when nothing is being noted. */
  get viewsNoted(): Promise<void> {
    return this.noting;
  }

  /** The file of receipt handle keys as it is; empty without one. */
  async handleKeys(): Promise<Buffer> {
    return (
      (await this.parts.platform.files.readFile(this.path(HANDLE_KEYS_FILE))) ?? Buffer.alloc(0)
    );
  }

  /** Makes a first key where there is none, as a broker does that opens. */
  async ensureHandleKeys(): Promise<void> {
    await loadHandleKeys(this.parts.directory, this.parts.platform);
  }

  /** Takes over the master's keys; durable when it resolves. */
  async takeHandleKeys(keys: Buffer): Promise<void> {
    if (keys.length === 0 || keys.equals(await this.handleKeys())) return;
    const { files } = this.parts.platform;
    await files.writeFile(this.path(`${HANDLE_KEYS_FILE}.new`), '', 0o600);
    await replaceFile(files, this.path(HANDLE_KEYS_FILE), keys);
  }

  async close(): Promise<void> {
    await this.warm.stop();
    await this.opened.close();
  }

  /** Works on the closed store; it is open again afterwards, also when that failed. */
  private async whileClosed(work: () => Promise<void>): Promise<void> {
    await this.close();
    try {
      await work();
    } finally {
      await finishBeginning(this.parts);
      await this.openAgain();
    }
  }

  private async openAgain(): Promise<void> {
    this.opened = await this.parts.openStore();
    this.warm = new WarmViews({ ...this.parts, store: this.opened });
  }

  private async forgetViews(): Promise<void> {
    const { files } = this.parts.platform;
    this.notedViews = -1;
    await files.remove(this.path(VIEWS_FILE));
    await files.remove(this.path(`${VIEWS_FILE}.bak`));
    await files.syncDirectory(new Layout(this.parts.directory).gantry);
  }

  private path(name: string): string {
    return join(new Layout(this.parts.directory).gantry, name);
  }
}

async function storeIdOf({ directory, platform }: ReplicaStoreParts): Promise<string> {
  const path = join(new Layout(directory).gantry, STORE_ID_FILE);
  const known = await readKept(platform.files, path);
  if (known !== undefined) {
    const { id } = JSON.parse(known) as { readonly id?: unknown };
    if (typeof id !== 'string' || id === '') throw new Error(`${path} holds no id`);
    return id;
  }
  const id = platform.random.bytes(ID_BYTES).toString('hex');
  await keepTwice(platform.files, path, JSON.stringify({ id }));
  return id;
}
