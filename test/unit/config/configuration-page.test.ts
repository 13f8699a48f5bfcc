import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { optionsOf } from '../../../src/config/option';
import { ROLES, schemas } from '../../../src/config/schema';
import { parseValue, writeValue } from '../../../src/config/formats';
import { configurationReference, GENERATED_FROM } from '../../support/configuration-page';

const page = join(__dirname, '../../../docs/configuration.md');

describe('docs/configuration.md', () => {
  it('has every option with its values, default, flag and variable', () => {
    const [head = ''] = readFileSync(page, 'utf8').split(GENERATED_FROM);
    const wanted = `${head}${GENERATED_FROM}\n\n${configurationReference()}`;
    if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(page, wanted);
    expect(readFileSync(page, 'utf8')).toBe(wanted);
  });
});

describe.each(ROLES)('the options of %s', (role) => {
  const options = optionsOf(schemas[role]);

  it.each(options)('%s says what it does, and its limits', (_key, spec) => {
    expect(spec.doc).toMatch(/^[A-Z].{15,}\.$/);
    if (['integer', 'duration', 'size'].includes(spec.format)) {
      expect(spec.min).toBeLessThan(spec.max ?? -Infinity);
    }
  });

  it.each(options)('%s has a default that it would accept', (_key, spec) => {
    expect(parseValue(spec, writeValue(spec, spec.default))).toEqual(spec.default);
  });
});
