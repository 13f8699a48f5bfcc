// npm run scale [-- NAME...]: what an operation costs, and what memory holds, when there is a hundred times as much of
// everything. Each case has a process of its own; the exit code says whether all kept their bounds.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
require('../../../scripts/ts-require.cjs');
const { HEADER } = require('./measure.ts');
const { NAMES, runCase } = require('./main.ts');

const [one, ...asked] = process.argv.slice(2);
if (one === '--case') {
  for (const failure of await runCase(asked[0])) {
    process.exitCode = 1;
    console.log(`FAILED ${asked[0]}: ${failure}`);
  }
} else {
  const names = one === undefined ? NAMES : [one, ...asked];
  const unknown = names.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0)
    throw new Error(`no case ${unknown.join(', ')}; there are ${NAMES.join(', ')}`);
  console.log(HEADER);
  for (const name of names) {
    const node = ['--expose-gc', fileURLToPath(import.meta.url), '--case', name];
    const { status } = spawnSync(process.execPath, node, { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
}
