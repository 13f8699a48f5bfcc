import { consumers } from './consumers';
import { delayedHour, delayedPending } from './delayed';
import { duplicates } from './duplicates';
import { consumerGroups, messageGroups } from './groups';
import { inFlight } from './in-flight';
import { leases } from './leases';
import { liteTopics } from './lite-topics';
import { Report } from './measure';
import { polls } from './polls';
import { routes } from './routes';
import { transactions } from './transactions';

const CASES: Readonly<Record<string, (report: Report) => Promise<void>>> = {
  'in-flight': inFlight,
  'consumer-groups': consumerGroups,
  'message-groups': messageGroups,
  'lite-topics': liteTopics,
  polls,
  routes,
  leases,
  consumers,
  duplicates,
  transactions,
  'delayed-hour': delayedHour,
  'delayed-pending': delayedPending,
};

export const NAMES: readonly string[] = Object.keys(CASES);

/** Runs one case; its rows go to the standard output. Answers which of its bounds were not kept. */
export async function runCase(name: string): Promise<readonly string[]> {
  const report = new Report(name, (line) => process.stdout.write(`${line}\n`));
  await CASES[name]?.(report);
  return report.failures;
}
