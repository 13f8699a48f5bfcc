// npm run bench:split: what a message costs in one process, with broker and proxies as processes of their own, and with a replica. `--help` says more.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('../../../scripts/ts-require.cjs');
const { main } = require('./main.ts');

await main(process.argv.slice(2));
