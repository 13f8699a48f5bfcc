// Puts one result on top of the table in docs/verification.md.
//   node scripts/record-verification.mjs COMMIT JOB RESULT SECONDS
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';

const page = fileURLToPath(new URL('../docs/verification.md', import.meta.url));
const RULE = /^\|[ |:-]+\|$/m;

const [commit, job, result, seconds] = process.argv.slice(2);
if (seconds === undefined) throw new Error('give COMMIT JOB RESULT SECONDS');
const date = new Date().toISOString().slice(0, 16).replace('T', ' ');
const before = readFileSync(page, 'utf8');
if (!RULE.test(before)) throw new Error('docs/verification.md has no table');
const row = `| ${[date, commit, job, result, seconds].join(' | ')} |`;
const after = before.replace(RULE, (rule) => `${rule}\n${row}`);
writeFileSync(page, await format(after, { parser: 'markdown', printWidth: 100 }));
