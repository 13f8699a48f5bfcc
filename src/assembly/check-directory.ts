/** `gantry store check`: the store's files, and those that its broker keeps beside them. */
import { checkExchange } from '../broker/exchange/check-exchange';
import { checkStore, type CheckOptions, type CheckSummary } from '../store/tools/check-store';

/**
 * Checks all files of a broker that does not run.
 * @throws Error with code ELOCKED when a process has the directory, ENOENT when there is no store
 */
export async function checkDirectory(options: CheckOptions): Promise<CheckSummary> {
  const { files, directory } = options;
  return checkStore({
    ...options,
    others: (logEnd, report) => checkExchange(files, directory, logEnd, report),
  });
}
