import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version of the package, seen from src/platform as well as from dist/platform. */
export function version(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8'),
  );
  return (manifest as { readonly version: string }).version;
}
