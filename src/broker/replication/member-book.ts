import type { Member } from '../../api/lease-api';

/** The replica id of a member. */
export function replicaIdOf(member: Member): number {
  return Number(member.slice(0, member.indexOf('/')));
}

/** @param storeId without `/` */
export function memberOf(replicaId: number, storeId: string): Member {
  return `${replicaId}/${storeId}`;
}

/**
 * Which store stands behind each replica id, for a master that speaks of replicas with its followers and of
 * members with the lease service. A replica that the in-sync set lists stays the member that it was listed as,
 * until it has been taken out: so a store that is new never comes into the set under the name of the one it replaces.
 */
export class MemberBook {
  private listed: ReadonlyMap<number, Member>;
  /** By the newest hello of each. */
  private readonly met = new Map<number, Member>();

  constructor(members: readonly Member[]) {
    this.listed = byReplica(members);
  }

  /** Whether a hello's store is the one that the set means. */
  meet(replicaId: number, storeId: string): boolean {
    const member = memberOf(replicaId, storeId);
    this.met.set(replicaId, member);
    return this.listed.get(replicaId) === member;
  }

  /**
   * The members that a list of replicas means.
   * @throws RangeError a replica that is neither listed nor has said hello
   */
  members(replicaIds: readonly number[]): Member[] {
    return replicaIds.map((id) => {
      const member = this.listed.get(id) ?? this.met.get(id);
      if (member === undefined) throw new RangeError(`replica ${id} has not said hello`);
      return member;
    });
  }

  /** The store that says hello now as this replica. */
  present(replicaId: number): Member | undefined {
    return this.met.get(replicaId);
  }

  /** The set that is in force now. */
  list(members: readonly Member[]): void {
    this.listed = byReplica(members);
  }
}

function byReplica(members: readonly Member[]): ReadonlyMap<number, Member> {
  return new Map(members.map((member) => [replicaIdOf(member), member]));
}
