// npm run bench: what a message costs, through real gRPC against a real process. `--help` says what can be chosen.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('../../scripts/ts-require.cjs');
const { main } = require('./main.ts');

await main(process.argv.slice(2));
