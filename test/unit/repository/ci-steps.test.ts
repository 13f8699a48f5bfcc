import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '../../..');

/** Runs these lines as `.ci/run` would, and answers the last line that it prints and its exit code. */
function run(...steps: readonly string[]): { lastLine: string; exitCode: number | null } {
  const script = ['set -euo pipefail', '. .ci/steps.sh', ...steps].join('\n');
  const { stdout, status } = spawnSync('bash', ['-c', script], { cwd: root, encoding: 'utf8' });
  return { lastLine: stdout.trimEnd().split('\n').at(-1) ?? '', exitCode: status };
}

describe('the count over all steps', () => {
  it('adds up what the steps close with', () => {
    const steps = [
      "step tests a echo '3 passed, 0 failed'",
      "step tests b echo '4 passed, 0 failed'",
    ];
    expect(run(...steps)).toEqual({ lastLine: '7 passed, 0 failed', exitCode: 0 });
  });

  it('goes on after a failure when the script says so, and ends non-zero', () => {
    const steps = [
      "step tests a echo '3 passed, 2 failed, 1 skipped' || true",
      "step tests b echo '4 passed, 0 failed' || true",
    ];
    expect(run(...steps)).toEqual({ lastLine: '7 passed, 2 failed, 1 skipped', exitCode: 1 });
  });

  it('counts tests that print no count as failed, whatever their exit code', () => {
    const steps = ['step tests a true || true', "step tests b echo '4 passed, 0 failed'"];
    expect(run(...steps)).toEqual({ lastLine: '4 passed, 1 failed', exitCode: 1 });
  });

  it('counts a step that passed its tests and failed afterwards', () => {
    const steps = ["step tests a bash -c 'echo 4 passed, 0 failed; exit 3' || true"];
    expect(run(...steps)).toEqual({ lastLine: '4 passed, 1 failed', exitCode: 1 });
  });

  it('counts a failed setup, and a script that breaks off', () => {
    expect(run('step setup a false || exit 1')).toEqual({
      lastLine: '0 passed, 1 failed',
      exitCode: 1,
    });
    expect(run("step tests a echo '4 passed, 0 failed'", 'exit 7')).toEqual({
      lastLine: '4 passed, 1 failed',
      exitCode: 7,
    });
  });

  it('counts a command as one', () => {
    expect(run('step command a true', 'step command b false || true')).toEqual({
      lastLine: '1 passed, 1 failed',
      exitCode: 1,
    });
  });

  it('fails a run of no tests', () => {
    expect(run('step setup a true')).toEqual({ lastLine: '0 passed, 1 failed', exitCode: 1 });
  });
});
