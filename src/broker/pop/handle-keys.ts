/**
 * Keys of receipt handles: random 128 bits with an id, in `gantry/handle-keys.json` (mode 0600);
 * never in the log.
 *
 *     { "signing": 1, "keys": { "1": "<32 hex digits>" } }
 */
import { join } from 'node:path';
import type { Platform } from '../../platform/platform';
import { sipKey } from './siphash';
import type { TokenKeys } from './receipt-token';

/** In `gantry/`. */
export const HANDLE_KEYS_FILE = 'handle-keys.json';

/** Reads the keys of a data directory; makes and syncs a first one when there is none. */
export async function loadHandleKeys(
  directory: string,
  platform: Pick<Platform, 'files' | 'random'>,
): Promise<TokenKeys> {
  const { files } = platform;
  const folder = join(directory, 'gantry');
  const path = join(folder, HANDLE_KEYS_FILE);
  const text = await files.readFile(path);
  if (text !== undefined) return parseKeys(text.toString('utf8'), path);
  const json = JSON.stringify({
    signing: 1,
    keys: { 1: platform.random.bytes(16).toString('hex') },
  });
  await files.makeDirectory(folder);
  const temporary = `${path}.new`;
  await files.writeFile(temporary, json, 0o600);
  const handle = await files.open(temporary, 'write');
  await handle.datasync();
  await handle.close();
  await files.rename(temporary, path);
  await files.syncDirectory(folder);
  return parseKeys(json, path);
}

function parseKeys(text: string, path: string): TokenKeys {
  const parsed = JSON.parse(text) as { signing?: unknown; keys?: unknown };
  if (
    typeof parsed.signing !== 'number' ||
    typeof parsed.keys !== 'object' ||
    parsed.keys === null
  ) {
    throw new Error(`${path} holds no receipt handle keys`);
  }
  const keys = new Map(
    Object.entries(parsed.keys as Record<string, string>).map(([id, hex]) => [
      Number(id),
      sipKey(Buffer.from(hex, 'hex')),
    ]),
  );
  return { signingId: parsed.signing, keys };
}
