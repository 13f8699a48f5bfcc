// Opens a store, appends to some of its queues, says so, and waits to be killed.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('../../scripts/ts-require.cjs');
const { options } = require('./main.ts');
const { draftOf } = require('./many-queues.ts');
const { openStore } = require('../../src/store/open-store.ts');

const store = await openStore(options(process.argv[2]));
let end = 0;
for (let i = 0; i < 10_000; i++) end = store.append(draftOf(`topic-${i % 50}`), i % 8).endOffset;
await store.durable(end);
process.stdout.write('appended\n');
setInterval(() => undefined, 1000);
