// npm run size: a large store beside raw files: append, cold read, memory, reopening, many queues.
//
//     SIZE_GIB=4 SIZE_DIR=/tmp SIZE_TOPICS=10000 npm run size
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('../../scripts/ts-require.cjs');
const { main } = require('./main.ts');

await main();
