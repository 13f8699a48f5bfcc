import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

describe('the Python client’s descriptors', () => {
  it('are those that the unit tests compare our API with', () => {
    const python = join(root, '.cache', 'python', 'bin', 'python');
    const script = join(root, 'test', 'interop', 'python', 'extract-descriptors.py');
    const extracted: unknown = JSON.parse(execFileSync(python, [script], { encoding: 'utf8' }));
    const kept = readFileSync(join(root, 'test', 'unit', 'proto', 'python-client.json'), 'utf8');
    expect(extracted).toEqual(JSON.parse(kept));
  });
});
