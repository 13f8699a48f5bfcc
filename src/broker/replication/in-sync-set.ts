/**
 * Which replicas have all that is confirmed. What is waited for always includes what is agreed: one that joins is
 * waited for first and agreed upon when it has all, one that leaves is waited for until that is agreed.
 *
 *     not a member --near--> joining, waited for --has all--> agreed: member --lags or gone--> agreed: not a member
 */
import type { Logger } from 'pino';

/** A follower as the set sees it. */
export interface Candidate {
  readonly replicaId: number;
  readonly acknowledged: number;
  /** Fed since its hello, and answering; and for how long it has not had all of the log, ms. */
  readonly feeding: boolean;
  readonly lagMs: number;
  /** For how long it has not been fed, or has not answered, ms. */
  readonly awayMs: number;
}

export interface InSyncParts {
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** See `RoleKeeper.changeInSync`. */
  readonly agree: (members: readonly number[]) => Promise<void>;
  readonly lagMs: number;
  /** Told when the waited-for set or the agreed one has changed. */
  readonly changed: () => void;
}

/** A member whose stream broke has so long to come back, ms. */
const AWAY_MS = 1_000;
/** One that lacks no more is waited for, to become a member, bytes. */
const NEAR_BYTES = 4 * 1024 * 1024;

export class InSyncSet {
  private agreed: ReadonlySet<number>;
  private readonly joining = new Set<number>();
  private changing: Promise<void> | undefined;
  /** All who are in sets that were asked for and not agreed: each may be in force. */
  private asked: ReadonlySet<number> = new Set();
  private closed = false;

  constructor(
    private readonly self: number,
    members: readonly number[],
    private readonly parts: InSyncParts,
  ) {
    this.agreed = new Set([self, ...members]);
  }

  /** Replica ids, the master's among them. */
  get members(): ReadonlySet<number> {
    return this.agreed;
  }

  /** All others whose acknowledgements count. */
  get waitedFor(): number[] {
    const all = new Set([...this.agreed, ...this.joining, ...this.asked]);
    return [...all].filter((id) => id !== this.self);
  }

  /**
   * Lets join and leave who should.
   * @param endPosition of the log
   * @param confirmed up to where all that are waited for have the log
   */
  review(candidates: readonly Candidate[], endPosition: number, confirmed: number): void {
    if (this.closed) return;
    const known = new Map(candidates.map((candidate) => [candidate.replicaId, candidate]));
    for (const id of this.joining) if (known.get(id)?.feeding !== true) this.leaveWaiting(id);
    for (const { replicaId, feeding, acknowledged, lagMs } of candidates) {
      const near = feeding && endPosition - acknowledged <= NEAR_BYTES && lagMs < this.parts.lagMs;
      if (!near || this.agreed.has(replicaId) || this.joining.has(replicaId)) continue;
      this.joining.add(replicaId);
      this.parts.changed();
    }
    const stays = (id: number): boolean => {
      const candidate = known.get(id);
      if (id === this.self) return true;
      if (candidate === undefined) return false;
      return candidate.feeding ? candidate.lagMs < this.parts.lagMs : candidate.awayMs < AWAY_MS;
    };
    const ready = [...this.joining].filter((id) => (known.get(id)?.acknowledged ?? 0) >= confirmed);
    const next = [...[...this.agreed].filter(stays), ...ready];
    const same = ready.length === 0 && next.length === this.agreed.size;
    if (same && this.asked.size === 0) return;
    if (this.changing === undefined) void this.change(next);
  }

  /** Takes a replica out that came back with less than it had; resolves when that is agreed. */
  async expel(replicaId: number): Promise<void> {
    await this.changing;
    this.leaveWaiting(replicaId);
    if (!this.waitedFor.includes(replicaId)) return;
    await this.change([...this.agreed].filter((id) => id !== replicaId));
    if (this.waitedFor.includes(replicaId))
      throw new Error(`replica ${replicaId} is not out of the set yet`);
  }

  close(): void {
    this.closed = true;
  }

  private leaveWaiting(id: number): void {
    if (this.joining.delete(id)) this.parts.changed();
  }

  private change(members: readonly number[]): Promise<void> {
    const { agree, log, changed } = this.parts;
    const again = this.asked.size > 0;
    this.asked = new Set([...this.asked, ...members]);
    this.changing = agree(members)
      .then(
        () => {
          if (this.closed) return;
          this.asked = new Set();
          this.agreed = new Set(members);
          for (const id of members) this.joining.delete(id);
          log.info({ inSync: members }, 'in-sync set changed');
          changed();
        },
        // Both are waited for, and it is asked again, also when nobody is to join or leave any more.
        (err: unknown) => {
          if (!again) log.warn({ err, inSync: members }, 'in-sync set not changed');
        },
      )
      .finally(() => {
        this.changing = undefined;
      });
    return this.changing;
  }
}
