/** The tools on a store's directory, for the command line: no broker runs on it meanwhile. */
export type { CheckSummary } from '../store/tools/check-store';
export { checkDirectory } from './check-directory';
export { dumpStore, type DumpedRecord } from '../store/tools/dump-store';
export { findingLine, type Finding } from '../store/tools/finding';
export { repairStore } from '../store/tools/repair-store';
