import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../support/process';

export type Outcome = 'pass' | 'fail' | { readonly notSupported: string };

/** What one client showed on one topology; scripts/interop.mjs makes docs/compatibility.md of these. */
export interface ClientResults {
  readonly topology: string;
  readonly client: string;
  readonly version: string;
  /** By the scenario's title, in the scenarios' order. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
}

/** Keeps the results for the table. */
export function writeResults(name: string, results: ClientResults): void {
  const folder = join(ROOT, '.cache', 'interop', 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(results, undefined, 2)}\n`);
}
