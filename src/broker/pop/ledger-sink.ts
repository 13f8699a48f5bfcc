/** Where the changes of ledgers are kept. */
import { LEDGER_TOPIC } from '../../message/names';
import { draftRecord, type RecordDraft } from '../../message/record-draft';
import type { Clock } from '../../platform/platform';
import type { MessageStore } from '../../store/message-store';
import type { WriteWaits } from '../write-waits';

export interface LedgerSink {
  /**
   * Takes changes, encoded as ./ledger-ops draws them.
   * @returns where they end, for the waits below, and the bytes that they take
   * @throws StatusError when they cannot be kept
   */
  put(body: Buffer): { readonly end: number; readonly bytes: number };
  /**
   * Takes a message that changes a ledger by itself; answers where it ends.
   * @throws StatusError as `MessageStore.append`, or that no messages are taken here
   */
  append(draft: RecordDraft, queueId: number, system: boolean): number;
  /** Resolves when `write` has returned for all below `end`. */
  written(end: number): Promise<void>;
  /** Resolves when all below `end` is as durable as what clients are told of. @throws StatusError as `WriteWaits.changed` */
  changed(end: number): Promise<void>;
  /** Resolves when all below `end` is on stable storage. */
  synced(end: number): Promise<void>;
}

/** The log itself: the changes of a turn are one record of `rmq_sys_POP_LEDGER`. */
export function logSink(
  store: MessageStore,
  clock: Clock,
  waits: Pick<WriteWaits, 'changed'>,
): LedgerSink {
  return {
    put: (body) => {
      const draft = draftRecord({
        ...{ topic: LEDGER_TOPIC, body, properties: '', tag: '' },
        bornTimestamp: clock.wallMs(),
      });
      const { endOffset } = store.append(draft, 0, true);
      return { end: endOffset, bytes: draft.byteLength };
    },
    append: (draft, queueId, system) => store.append(draft, queueId, system).endOffset,
    written: (end) => store.written(end),
    changed: (end) => waits.changed(end),
    synced: (end) => store.synced(end),
  };
}
