/**
 * What is wrong with a broker's own records (topics and groups, ledgers) and with gantry/views.json, of a
 * broker that does not run. Whether the bytes of a record are whole is the store's to tell.
 */
import { join } from 'node:path';
import { LEDGER_TOPIC, META_TOPIC } from '../message/names';
import type { StoredRecord } from '../message/record';
import type { Files } from '../platform/platform';
import { wholeJson } from '../store/kept-twice';
import type { LogPlaces } from '../store/tools/check-store';
import type { Report } from '../store/tools/finding';
import { decodeMetaChange } from './metadata';
import { decodeLedgerOps } from './pop/ledger-op-reader';
import { VIEWS_FILE } from './view-replay';
import { errorText } from '../platform/error-text';

/** Looks at the records of a log, in its order. */
export class ViewsAudit {
  /** Where snapshots begin that are whole. */
  private readonly snapshots = new Set<number>();

  constructor(
    private readonly files: Files,
    private readonly directory: string,
    private readonly report: Report,
  ) {}

  record(record: StoredRecord, log: LogPlaces): void {
    const { topic, queueId, queueOffset, physicalOffset } = record;
    if (topic !== META_TOPIC && topic !== LEDGER_TOPIC) return;
    try {
      if (topic === META_TOPIC) decodeMetaChange(record.body);
      else this.noteSnapshots(record.body);
    } catch (error) {
      const why = errorText(error);
      const what = `cannot be read, and a broker does not start with it: ${why}`;
      this.report({
        kind: 'wrong',
        ...log.place(physicalOffset),
        topic,
        queueId,
        queueOffset,
        what,
      });
    }
  }

  /** The log has been walked. */
  async end(): Promise<void> {
    const file = `gantry/${VIEWS_FILE}`;
    const path = join(this.directory, file);
    // A copy that is damaged is told by the check of the store's small files.
    const json =
      wholeJson(await this.files.readFile(path)) ??
      wholeJson(await this.files.readFile(`${path}.bak`));
    if (json === undefined) return;
    const { begin } = JSON.parse(json) as { readonly begin?: unknown };
    if (typeof begin === 'number' && this.snapshots.has(begin)) return;
    const what = `says that a whole snapshot begins at ${String(begin)}, and none does`;
    this.report({ kind: 'wrong', file, what });
  }

  private noteSnapshots(body: Buffer): void {
    for (const op of decodeLedgerOps(body)) if (op.kind === 'end') this.snapshots.add(op.begin);
  }
}
