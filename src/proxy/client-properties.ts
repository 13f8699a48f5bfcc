/** Rules for `Settings.client_properties`: metadata that clients report about themselves. */
import { Code, StatusError } from '../message/status';

const MAX_PAIRS = 32;
const MAX_KEY_CHARS = 64;
const MAX_VALUE_CHARS = 256;
const MAX_BYTES = 4096;
const KEY = /^[a-zA-Z][a-zA-Z0-9_.-]*$/;
const RESERVED_PREFIX = 'rocketmq.';

/** @throws StatusError INVALID_CLIENT_PROPERTIES */
export function checkClientProperties(properties: Readonly<Record<string, string>>): void {
  const pairs = Object.entries(properties);
  if (pairs.length > MAX_PAIRS) refuse(`has ${pairs.length} pairs, the limit is ${MAX_PAIRS}`);
  let bytes = 0;
  for (const [key, value] of pairs) {
    if (key.length > MAX_KEY_CHARS || !KEY.test(key) || key.startsWith(RESERVED_PREFIX)) {
      refuse(
        `has key ${JSON.stringify(key.slice(0, MAX_KEY_CHARS))}: it must be 1 .. ${MAX_KEY_CHARS} characters ` +
          `${KEY.source} and not start with ${RESERVED_PREFIX}`,
      );
    }
    if (value.length > MAX_VALUE_CHARS) {
      refuse(`has ${value.length} characters in ${key}, the limit is ${MAX_VALUE_CHARS}`);
    }
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_BYTES) refuse(`takes ${bytes} bytes, the limit is ${MAX_BYTES}`);
}

function refuse(fault: string): never {
  throw new StatusError(Code.INVALID_CLIENT_PROPERTIES, `client_properties ${fault}`);
}
