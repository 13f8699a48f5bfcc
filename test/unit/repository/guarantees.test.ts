/** docs/guarantees.md: each promise names a test, and each test that it names is there and has tests. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(__dirname, '../../..');
const page = join(root, 'docs/guarantees.md');
const text = readFileSync(page, 'utf8');
const links = Array.from(text.matchAll(/\]\(([^)#]+)[^)]*\)/g), (match) => match[1] ?? '');

it.each([...new Set(links)])('%s is there', (link) => {
  const path = join(dirname(page), link);
  expect(existsSync(path)).toBe(true);
  if (link.endsWith('.test.ts')) {
    expect(readFileSync(path, 'utf8')).toMatch(/^\s*(test|it|describe)(\.each)?\b/m);
  }
});

it('each line of a promise names a test', () => {
  const promises = text.slice(
    text.indexOf('| What happens'),
    text.indexOf('## What is not promised'),
  );
  const rows = promises.split('\n').filter((line) => /^\| (?!What happens|-)/.test(line));
  expect(rows.length).toBeGreaterThan(15);
  expect(rows.filter((row) => !/\.test\.ts\)/.test(row))).toEqual([]);
});
