import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ROOT } from '../../support/process';

const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');

describe('docs/operations.md', () => {
  it('names lines of the log that are logged, at their level', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.includes('generated'))
      .map((path) => readFileSync(join(ROOT, 'src', path), 'utf8'));
    const rows = Array.from(page.matchAll(/^\| `([^`]+)` +\| (error|warn) +\|/gm));
    expect(rows.length).toBeGreaterThan(5);
    const logged = (text: string, level: string): boolean =>
      sources.some((source) => {
        const at = source.indexOf(`'${text}'`);
        return at >= 0 && source.slice(0, at).lastIndexOf(`.${level}(`) > at - 300;
      });
    const missing = rows.filter(([, text = '', level = '']) => !logged(text, level));
    expect(missing.map(([row]) => row)).toEqual([]);
  });
});
