import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../support/process';
import { testTransport } from '../../support/transport';

export type Outcome = 'pass' | 'fail' | { readonly notSupported: string };

/** What one client showed on one topology; scripts/interop.mjs makes docs/compatibility.md of these. */
export interface ClientResults {
  readonly topology: string;
  readonly client: string;
  readonly version: string;
  /** By the scenario's title, in the scenarios' order. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
}

const folder = (): string => join(ROOT, '.cache', 'interop', 'results', testTransport());

/** Keeps the results for the table. */
export function writeResults(name: string, results: ClientResults): void {
  mkdirSync(folder(), { recursive: true });
  writeFileSync(join(folder(), `${name}.json`), `${JSON.stringify(results, undefined, 2)}\n`);
}

/** What an earlier run saw counts no more. */
export function dropResults(name: string): void {
  rmSync(join(folder(), `${name}.json`), { force: true });
}
