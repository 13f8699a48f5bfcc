import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '../../..');
const reporter = join(root, 'test/support/closing-line-reporter.js');
const jestCommand = join(root, 'node_modules/jest/bin/jest.js');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-reporter-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Runs jest on these files in a folder of their own, as a person would read it: both streams in one. */
function run(tests: Readonly<Record<string, string>>): {
  lastLine: string;
  exitCode: number | null;
} {
  writeFileSync(join(folder, 'package.json'), '{}');
  for (const [name, text] of Object.entries(tests)) {
    writeFileSync(join(folder, `${name}.test.js`), text);
  }
  const flags = `--runInBand --no-cache --reporters default --reporters "${reporter}"`;
  const { stdout, status } = spawnSync(
    'sh',
    ['-c', `exec "${process.execPath}" "${jestCommand}" --rootDir "${folder}" ${flags} 2>&1`],
    { cwd: folder, encoding: 'utf8', timeout: 30_000 },
  );
  return { lastLine: stdout.trimEnd().split('\n').at(-1) ?? '', exitCode: status };
}

const PASSES = "it('a', () => {}); it('b', () => {});";

describe('the closing line', () => {
  it('counts what passed, after everything else that jest prints', () => {
    expect(run({ good: PASSES })).toEqual({ lastLine: '2 passed, 0 failed', exitCode: 0 });
  }, 30_000);

  it('counts failed tests, and a suite that could not run as one', () => {
    const failing = "it('c', () => { throw new Error('no'); });";
    const broken = "require('./nowhere'); it('d', () => {});";
    expect(run({ good: PASSES, failing, broken })).toEqual({
      lastLine: '2 passed, 2 failed',
      exitCode: 1,
    });
  }, 30_000);

  it('tells tests that were left out', () => {
    const left = "it['skip']('c', () => {}); it['todo']('d');";
    expect(run({ good: PASSES, left })).toEqual({
      lastLine: '2 passed, 0 failed, 2 skipped',
      exitCode: 0,
    });
  }, 30_000);
});
