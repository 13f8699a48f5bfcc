/** What several name servers, none aware of the others, say together. */
import type { BrokerRegistration } from '../api/route-api';

/** What one name server says. */
export interface NameServerView {
  /** A snapshot was received, and the stream lives. */
  readonly reachable: boolean;
  /** Brokers have had the time to register: one that is missing is gone. */
  readonly settled: boolean;
  readonly brokers: ReadonlyMap<string, BrokerRegistration>;
  /** Brokers that it had, and has seen go. */
  readonly gone: ReadonlySet<string>;
}

export function brokerKey(broker: {
  readonly brokerName: string;
  readonly brokerId: number;
}): string {
  return `${broker.brokerId}@${broker.brokerName}`;
}

/**
 * The brokers after a change of some view. The newest registration of each counts: epoch, then version. One of a lower
 * epoch than is known changes nothing while some name server cannot be asked: that one may have the newer. Without a
 * reachable name server nothing changes. A broker that was known and is missing now is gone only when a settled name
 * server is reachable, or one has seen it go.
 */
export function mergeRoutes(
  known: ReadonlyMap<string, BrokerRegistration>,
  views: readonly NameServerView[],
): ReadonlyMap<string, BrokerRegistration> {
  const reachable = views.filter((view) => view.reachable);
  if (reachable.length === 0) return known;
  const merged = new Map<string, BrokerRegistration>();
  for (const { brokers } of reachable) {
    for (const [key, broker] of brokers) {
      const other = merged.get(key);
      if (other === undefined || isNewer(broker, other)) merged.set(key, broker);
    }
  }
  if (!views.every((view) => view.reachable && view.settled)) keepNewer(merged, known);
  if (!reachable.some((view) => view.settled)) {
    for (const [key, broker] of known) {
      if (merged.has(key) || reachable.some(({ gone }) => gone.has(key))) continue;
      merged.set(key, broker);
    }
  }
  return merged;
}

function keepNewer(
  merged: Map<string, BrokerRegistration>,
  known: ReadonlyMap<string, BrokerRegistration>,
): void {
  for (const [key, broker] of merged) {
    const before = known.get(key);
    if (before !== undefined && before.epoch > broker.epoch) merged.set(key, before);
  }
}

/** Whether two states of the routes say the same. */
export function sameRoutes(
  a: ReadonlyMap<string, BrokerRegistration>,
  b: ReadonlyMap<string, BrokerRegistration>,
): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, broker] of a) {
    const other = b.get(key);
    if (other === undefined || !sameRegistration(broker, other)) return false;
  }
  return true;
}

function sameRegistration(a: BrokerRegistration, b: BrokerRegistration): boolean {
  return (
    a === b ||
    (a.epoch === b.epoch &&
      a.version === b.version &&
      a.address === b.address &&
      a.cluster === b.cluster)
  );
}

function isNewer(a: BrokerRegistration, b: BrokerRegistration): boolean {
  return a.epoch !== b.epoch ? a.epoch > b.epoch : a.version > b.version;
}
