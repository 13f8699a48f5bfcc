import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_HTTP2_OPTIONS } from '../../../../src/rpc/http2/options';
import { DEFAULT_RPC_SERVER_OPTIONS } from '../../../../src/rpc/server';

test('docs/transport.md lists every limit with its default', () => {
  const page = readFileSync(join(__dirname, '../../../../docs/transport.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` +\| ([\d,]+) +\|/gm)].map(([, name, value]) => [
    name,
    Number(value?.replaceAll(',', '')),
  ]);
  expect(Object.fromEntries(rows)).toEqual({
    maxReceiveBytes: DEFAULT_RPC_SERVER_OPTIONS.maxReceiveBytes,
    maxSendBytes: DEFAULT_RPC_SERVER_OPTIONS.maxSendBytes,
    ...DEFAULT_HTTP2_OPTIONS,
  });
});
