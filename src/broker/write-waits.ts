import type { MessageStore } from '../store/message-store';

/** What answers to those who write wait for, and what forbids them to write. */
export interface WriteWaits {
  /**
   * Asked before a message is stored, in the same turn.
   * @throws StatusError when it is not to be; nothing was stored
   */
  check(): void;
  /**
   * Resolves when messages below `endOffset` may be answered for.
   * @throws StatusError when that takes too long, or is out of reach; they are stored here
   */
  durable(endOffset: number): Promise<void>;
  /** The same for what else clients change: acknowledgements, invisible durations, offsets. */
  changed(endOffset: number): Promise<void>;
}

/** Of a broker without replicas: its own disk decides. */
export function diskWaits(store: Pick<MessageStore, 'durable'>): WriteWaits {
  const durable = (endOffset: number): Promise<void> => store.durable(endOffset);
  return { check: () => undefined, durable, changed: durable };
}
