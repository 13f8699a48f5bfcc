import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_HTTP2_OPTIONS } from '../../../../src/rpc/http2/options';

test('docs/transport.md lists every limit with its default', () => {
  const page = readFileSync(join(__dirname, '../../../../docs/transport.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` +\| ([\d,]+) +\|/gm)].map(([, name, value]) => [
    name,
    Number(value?.replaceAll(',', '')),
  ]);
  expect(Object.fromEntries(rows)).toEqual(DEFAULT_HTTP2_OPTIONS);
});
