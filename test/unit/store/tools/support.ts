/** What the tools say of a store, for their tests. */
import { createHash } from 'node:crypto';
import type { Files } from '../../../../src/platform/platform';
import { checkStore, type CheckSummary } from '../../../../src/store/tools/check-store';
import { findingLine } from '../../../../src/store/tools/finding';
import { DIRECTORY, openTestStore, send, stop } from '../support/test-store';

export interface Checked extends CheckSummary {
  /** One a finding. */
  readonly lines: readonly string[];
}

export async function check(files: Files, directory = DIRECTORY): Promise<Checked> {
  const lines: string[] = [];
  const summary = await checkStore({
    files,
    directory,
    onFinding: (finding) => lines.push(findingLine(finding)),
  });
  return { ...summary, lines };
}

/** A store of two topics over several segments, closed in an orderly way. */
export async function fillStore(files: Files, messages = 300): Promise<void> {
  const opened = await openTestStore(files);
  for (let i = 0; i < messages; i++) await send(opened, i % 3 === 0 ? 'other' : 'orders', `m${i}`);
  await stop(opened);
}

/** All files below a directory, with a hash of their bytes. */
export async function snapshot(
  files: Files,
  directory = DIRECTORY,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const visit = async (path: string): Promise<void> => {
    for (const name of await files.list(path)) {
      const full = `${path}/${name}`;
      if ((await files.stat(full))?.directory === true) await visit(full);
      else found.set(full, hashOf(await files.readFile(full)));
    }
  };
  await visit(directory);
  return found;
}

function hashOf(bytes: Buffer = Buffer.alloc(0)): string {
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`;
}
