/** Who holds a message, as the `owner` column has it, and how long an automatic lease lasts. */
/** A lease is extended while its client was heard from within this time... */
const HEARD_WITHIN_MS = 45_000;
/** ... to this long after it was heard from ... */
const LEASE_MS = 60_000;
/** ... at most so often: about three hours. */
const MAX_RENEWALS = 200;

export interface Holder {
  /** The client's number. */
  readonly client: number;
  /** Whether the message stays with the client while that is heard from. */
  readonly autoRenew: boolean;
}

export function ownerOf({ client, autoRenew }: Holder): number {
  return (client << 1) | (autoRenew ? 1 : 0);
}

export function holderOf(owner: number): Holder {
  return { client: owner >> 1, autoRenew: (owner & 1) === 1 };
}

/** For how long a lease goes on from now, milliseconds; 0 when it is over. */
export function renewedLeaseMs(renewals: number, silentMs: number): number {
  if (renewals >= MAX_RENEWALS || silentMs > HEARD_WITHIN_MS) return 0;
  return LEASE_MS - silentMs;
}
