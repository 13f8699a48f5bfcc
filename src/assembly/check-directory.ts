/** `gantry store check`: the store's files, and those that its broker keeps beside them. */
import { ViewsAudit } from '../broker/check-views';
import { checkExchange } from '../broker/exchange/check-exchange';
import { ApacheReadiness } from '../broker/exchange/check-for-apache';
import { checkTimer } from '../broker/timer/check-timer';
import { checkStore, type CheckOptions, type CheckSummary } from '../store/tools/check-store';

export interface CheckDirectoryOptions extends Omit<CheckOptions, 'others'> {
  /** Tells as well what Apache RocketMQ would do with the directory. */
  readonly forApache?: boolean;
}

/**
 * Checks all files of a broker that does not run.
 * @throws Error with code ELOCKED when a process has the directory, ENOENT when there is no store
 */
export async function checkDirectory(options: CheckDirectoryOptions): Promise<CheckSummary> {
  const { files, directory, forApache = false } = options;
  return checkStore({
    ...options,
    others: (report) => {
      const apache = forApache ? new ApacheReadiness(files, directory, report) : undefined;
      const views = new ViewsAudit(files, directory, report);
      return {
        record: (record, log) => {
          views.record(record, log);
          apache?.record(record);
        },
        damage: (from, place) => apache?.damage(from, place),
        end: async (facts) => {
          await views.end();
          await checkExchange(files, directory, facts.end, report);
          await checkTimer(files, directory, facts.end, report);
          await apache?.end(facts);
        },
      };
    },
  });
}
