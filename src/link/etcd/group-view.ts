import type { GroupState, GroupWatch } from '../../api/lease-api';
import type { Platform } from '../../platform/platform';
import type { KeyValue__Output } from '../../rpc/generated/etcdserverpb/KeyValue';
import type { WatchResponse__Output } from '../../rpc/generated/etcdserverpb/WatchResponse';
import type { LinkLog } from '../log';
import type { EtcdClient } from './etcd-client';
import { groupState, type GroupKeys } from './group-keys';

/** Between looks at the keys, also while they are watched, ms. */
const LOOK_MS = 1_000;
/** Longest wait for a look, ms. */
const ANSWER_MS = 2_000;
const DELETE = 1;

export interface GroupViewParts {
  readonly client: EtcdClient;
  readonly keys: GroupKeys;
  readonly platform: Pick<Platform, 'clock' | 'timers'>;
  readonly log: LinkLog;
}

/**
 * Watches the keys of a group, and reads them each second: a member that hangs with its machine says nothing, and
 * its connection stays open for long. Whichever is newer counts.
 */
export class GroupView implements GroupWatch {
  private kvs = new Map<string, KeyValue__Output>();
  private revision = 0;
  private toldText = '';
  private endWatch: (() => void) | undefined;
  private closed = false;
  private away = false;

  private readonly range: { readonly key: Buffer; readonly range_end: Buffer };

  constructor(
    private readonly parts: GroupViewParts,
    private readonly listener: (state: GroupState) => void,
  ) {
    const { prefix, end } = parts.keys;
    this.range = { key: Buffer.from(prefix), range_end: Buffer.from(end) };
    void this.look();
  }

  close(): void {
    this.closed = true;
    this.endWatch?.();
  }

  private async look(): Promise<void> {
    const { client, platform, log } = this.parts;
    try {
      const read = await client.range(this.range, ANSWER_MS);
      if (this.closed) return;
      if (this.away) log.info({}, 'etcd answers again');
      this.away = false;
      const revision = read.header?.revision ?? 0;
      if (revision >= this.revision) {
        this.kvs = new Map(read.kvs.map((kv) => [kv.key.toString(), kv]));
        this.tell(revision);
      }
      this.endWatch ??= this.watch(revision + 1);
    } catch (error) {
      if (this.closed) return;
      if (!this.away) log.warn({ err: error }, 'etcd does not answer');
      this.away = true;
      // Through another member, when one answers.
      this.endWatch?.();
      this.endWatch = undefined;
    }
    platform.timers.after(LOOK_MS, () => {
      if (!this.closed) void this.look();
    });
  }

  private watch(fromRevision: number): () => void {
    const { client, log } = this.parts;
    const end = client.watch(
      { ...this.range, start_revision: fromRevision },
      {
        response: (response) => this.take(response),
        ended: (reason) => {
          log.debug({ reason }, 'watch of etcd ended');
          // The next look begins another.
          if (this.endWatch === end) this.endWatch = undefined;
        },
      },
    );
    return end;
  }

  /** All changes of one revision come in one response. */
  private take({ events, canceled }: WatchResponse__Output): void {
    if (canceled) {
      this.endWatch?.();
      this.endWatch = undefined;
      return;
    }
    let { revision } = this;
    for (const { type, kv } of events) {
      if (kv === null || kv.mod_revision <= this.revision) continue;
      revision = Math.max(revision, kv.mod_revision);
      if (type === DELETE) this.kvs.delete(kv.key.toString());
      else this.kvs.set(kv.key.toString(), kv);
    }
    if (revision > this.revision) this.tell(revision);
  }

  private tell(revision: number): void {
    this.revision = revision;
    try {
      const state = groupState(this.parts.keys, revision, this.kvs.values());
      const text = JSON.stringify({ ...state, revision: 0 });
      if (text === this.toldText) return;
      this.toldText = text;
      this.listener(state);
    } catch (error) {
      this.parts.log.warn({ err: error }, 'not a state of a broker group');
    }
  }
}
