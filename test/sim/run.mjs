// npm run sim -- --seed N [--seeds COUNT] [--minutes M] [--log]: see main.ts.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
require('../../scripts/ts-require.cjs');
const { main } = require('./main.ts');
await main(process.argv.slice(2));
