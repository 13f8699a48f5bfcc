interface Named {
  readonly brokerName: string;
}

/** Sorts by broker name; of one name each stands once. */
export function byBrokerName(a: Named, b: Named): number {
  return a.brokerName < b.brokerName ? -1 : 1;
}
