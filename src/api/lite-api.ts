/** What a proxy tells a broker about lite topics: a part of `BrokerApi`. */
import type { ResetTarget } from './offset-api';

/**
 * Where a group begins on a lite topic. Offsets count within the lite topic, its first message is 0; `tail`: so
 * many messages before where the group is.
 */
export type LiteStart = ResetTarget | { readonly at: 'tail'; readonly count: number };

export interface SyncLiteRequest {
  readonly group: string;
  /** The parent. */
  readonly topic: string;
  readonly clientId: string;
  /** `set`: these and no others. */
  readonly change: 'add' | 'remove' | 'set';
  readonly liteTopics: readonly string[];
  /** For `add`: moves the group; absent: it goes on where it was, and begins at the end. */
  readonly start?: LiteStart;
}
